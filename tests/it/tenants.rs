//! Functions of different tenants never share a process.

use crate::support::record::texts;
use crate::support::{Function, Node, Record, Scene};

struct Story {
    node: Node,
    scene: Scene,
}

/// A function of that tenant, or of none, that copies from a topic of its own to another.
fn copying(scene: &Scene, name: &str, tenant: Option<&str>) -> Function {
    let input = scene.topic(&format!("{name}-in"), 1);
    let output = scene.topic(&format!("{name}-out"), 1);
    let function = scene.function(name).reads(&input).writes(&output).handler("export default (record) => record;");
    if let Some(tenant) = tenant {
        belongs(&function, tenant);
    }
    scene.write(&input, [Record::of(name)]);
    function
}

/// Gives the function a tenant.
fn belongs(function: &Function, tenant: &str) {
    let manifest = std::fs::read_to_string(function.path.join("function.toml")).expect("its manifest");
    let rest = manifest.lines().filter(|line| !line.starts_with("tenant")).collect::<Vec<_>>().join("\n");
    function.edit_manifest(&format!("tenant = {tenant:?}\n{rest}\n"));
}

impl Story {
    /// The process that the function's isolate is in.
    #[track_caller]
    fn pid(&self, function: &Function) -> u32 {
        self.scene.caught_up(function);
        let pids = self
            .node
            .eventually("it has one worker", |node| Some(node.workers_of(function)).filter(|pids| pids.len() == 1));
        assert!(self.node.workers().contains(&pids[0]), "it is a live worker of this node");
        pids[0]
    }
}

#[test]
fn each_tenant_has_processes_of_its_own_and_those_of_one_share_them() {
    let Some(scene) = Scene::new("tenants") else { return };
    let functions = [("none", None), ("a", Some("shop")), ("b", Some("shop")), ("c", Some("bank"))]
        .map(|(name, tenant)| copying(&scene, name, tenant));
    let node = scene.start();
    let story = Story { node, scene };
    let [none, a, b, c] = functions.each_ref().map(|function| story.pid(function));
    assert_eq!(a, b, "one tenant's functions share a worker");
    assert!(none != a && none != c && a != c, "{none} {a} {c}");
    let alive = |group| story.node.metric("eddyline_worker_alive_processes", &[("group", group)]);
    story.node.eventually("the workers are counted", |_| {
        (alive("shared") == Some(1.0) && alive("tenant") == Some(2.0)).then_some(())
    });
    assert_eq!(story.node.status(&functions[3]).unwrap()["tenant"], "bank");
    assert_eq!(story.node.api("/node").unwrap()["workers"]["tenants"], 2);

    belongs(&functions[1], "bank");
    let input = &functions[1].sources[0];
    let moved = story.node.eventually("it has moved", |node| {
        story.scene.write(input, [Record::of("a")]);
        Some(node.workers_of(&functions[1])).filter(|pids| pids.len() == 1 && pids[0] != a)
    });
    assert_eq!(moved, [c], "to the workers of its new tenant");
    assert_eq!(texts(&story.scene.read(&story.scene.name("c-out"))), ["c"]);
}

#[test]
fn a_tenants_worker_that_nobody_uses_any_more_is_let_go() {
    let Some(scene) = Scene::new("idle-tenant") else { return };
    let function = copying(&scene, "a", Some("shop"));
    let node = scene.start();
    let story = Story { node, scene };
    let pid = story.pid(&function);
    function.remove();
    story.node.eventually("its worker ends", |node| (!node.workers().contains(&pid)).then_some(()));
    let blamed = story.node.lines().into_iter().any(|line| line["pid"] == pid && line["level"] == "WARN");
    assert!(!blamed, "that is no death to speak of");
}
