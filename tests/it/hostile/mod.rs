//! The attacks of `tests/hostile/`, each run on a node that has other work to do: it may harm itself alone.

mod attack;
mod bytes;
mod end;
mod ledger;
mod neighbour;
mod report;
mod servers;
mod stage;
mod trial;

use std::env;
use std::time::Duration;

use crate::support::broker::Place;
use crate::support::{Node, Scene};

use attack::Attack;
use neighbour::Neighbour;
use report::Report;
use stage::Stage;

/// How many functions are deployed at a time.
const GROUP: usize = 16;
/// How long the neighbour runs alone, to see what it does on this machine.
const BASELINE: Duration = Duration::from_secs(5);

/// `EDDYLINE_TEST_ATTACKS` chooses some, by a regular expression for `kind/name`.
fn chosen() -> Vec<Attack> {
    let wanted = env::var("EDDYLINE_TEST_ATTACKS").unwrap_or_default();
    let wanted = regex::Regex::new(&wanted).expect("EDDYLINE_TEST_ATTACKS is a regular expression");
    let attacks: Vec<Attack> = attack::all().into_iter().filter(|attack| wanted.is_match(&attack.name)).collect();
    assert!(!attacks.is_empty(), "no attack matches {wanted}");
    attacks
}

#[test]
fn every_attack_is_well_formed() {
    assert!(attack::all().len() >= 80, "the list of attacks has shrunk");
}

#[test]
fn no_attack_harms_anybody_but_its_own_function() {
    let Some(scene) = Scene::new("hostile") else { return };
    // Other nodes would slow down the neighbour as well as attacks do.
    let _alone = Place::wait();
    let attacks = chosen();
    let stage = Stage::new(&scene, &attacks);
    let node = scene.start_with(&[("workers.count", "0")]);
    let neighbour = Neighbour::start(&scene, &node);
    let mut report = Report::new(neighbour.alone_for(BASELINE));
    for group in attacks.chunks(GROUP) {
        stage.deploy(&node, group);
        for attack in group {
            let tried = trial::run(&stage, &node, &neighbour, attack, |figures| report.suffers(figures));
            report.row(&stage, attack, tried);
        }
        stage.clear(group);
    }
    report.unexpected(&stage, &attacks);
    report.lost(neighbour.stop());
    assert_alive(&node);
    report.close();
}

fn assert_alive(node: &Node) {
    assert!(node.get("/health/live").is_some_and(|(status, _)| status == 200), "the node does not answer");
}
