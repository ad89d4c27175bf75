//! What a live node shows of itself.

use crate::support::{Record, Scene, Trial};

#[test]
fn what_a_handler_writes_to_its_console_is_in_the_log_under_its_functions_name() {
    let handler = "
        console.info('at load');
        export default (record, ctx) => {
          console.log('a line', { of: 'values' });
          console.error('an error');
          ctx.log.warn('by ctx');
          console.debug('a detail');
        };";
    let Some(trial) = Trial::new("console", 1, handler) else { return };
    trial.feed([Record::of("x")]);
    let find = |text: &str| trial.node.eventually(text, |node| node.logged(text).into_iter().next());
    for (text, level) in [("a line", "INFO"), ("an error", "ERROR"), ("by ctx", "WARN"), ("at load", "INFO")] {
        let line = find(text);
        assert_eq!((line["level"].as_str(), line["function"].as_str()), (Some(level), Some(&*trial.function.name)));
    }
    assert!(find("a line")["message"].as_str().expect("text").contains("values"));
    assert_eq!(trial.node.logged("a detail").len(), 0, "the level is info");
}

#[test]
fn the_admin_interface_shows_state_assignment_lag_and_the_last_error() {
    let handler = "
        export default (record) => {
          if (record.text() === 'bad') throw new Error('shown to people');
          return record;
        };";
    let more = "[retry]\nmax-attempts = 1";
    let Some(trial) = Trial::with("admin", 2, |draft| draft.with(more), handler) else { return };
    trial.feed(["a", "bad", "b"].map(|text| Record::of(text).on(0)));
    let status = trial
        .node
        .eventually("the lag is gone", |node| node.status(&trial.function).filter(|status| status["lag"] == 0));
    assert_eq!(status["name"], trial.function.name);
    assert_eq!(status["group"], trial.function.group);
    assert_eq!(status["topics"], serde_json::json!([trial.input]));
    assert_eq!(status["dead_letter"], trial.function.dead_letter);
    let assignment = status["assignment"].as_array().expect("an assignment");
    let places: Vec<_> = assignment.iter().map(|one| (one["topic"].as_str(), one["partition"].as_i64())).collect();
    assert_eq!(places, [(Some(&*trial.input), Some(0)), (Some(&*trial.input), Some(1))]);
    assert_eq!((&assignment[0]["position"], &assignment[0]["end"]), (&3.into(), &3.into()));
    let counters = &status["counters"];
    assert_eq!((&counters["in"], &counters["out"], &counters["failed"]), (&3.into(), &2.into(), &1.into()));
    let error = &status["last_error"];
    assert_eq!((&error["code"], &error["partition"], &error["offset"]), (&"E2001".into(), &0.into(), &1.into()));
    assert!(error["message"].as_str().expect("text").contains("shown to people"));

    let list = trial.node.api("/functions").expect("a list");
    assert_eq!(list["functions"][0]["name"], trial.function.name);
    let node = trial.node.api("/node").expect("the node");
    assert_eq!((&node["ready"], node["process_id"].as_u64()), (&true.into(), Some(u64::from(trial.node.pid()))));
    assert_eq!(trial.node.get("/health/live").expect("an answer").0, 200);
    assert_eq!(trial.node.get("/health/ready").expect("an answer").0, 200);
    assert_eq!(trial.node.get("/api/v1/functions/nobody").expect("an answer").0, 404);
}

#[test]
fn every_record_is_counted_and_timed() {
    let handler = "
        export default (record, ctx) => {
          switch (record.text()) {
            case 'two': ctx.emit(1); return 2;
            case 'none': return;
            case 'bad': throw new Error('x');
            case 'reject': ctx.reject('x');
          }
        };";
    let more = "[retry]\nmax-attempts = 2\nbackoff = { initial = \"1ms\", max = \"1ms\" }";
    let Some(trial) = Trial::with("counted", 1, |draft| draft.with(more), handler) else { return };
    trial.feed(["two", "two", "none", "bad", "reject"].map(Record::of));
    let expected = [
        ("in_records_total", 5.0),
        ("out_records_total", 4.0),
        ("done_records_total", 2.0),
        ("filtered_records_total", 1.0),
        ("retried_records_total", 1.0),
        ("dead_lettered_records_total", 2.0),
        ("settle_seconds_count", 5.0),
        ("queue_seconds_count", 5.0),
        ("invocation_seconds_count", 6.0),
    ];
    for (name, value) in expected {
        assert_eq!(trial.metric(&format!("eddyline_function_{name}")), value, "{name}");
    }
    for (outcome, value) in [("failed", 1.0), ("rejected", 1.0), ("undecodable", 0.0)] {
        let labels = [("function", &*trial.function.name), ("outcome", outcome)];
        let metric = trial.node.metric("eddyline_function_failed_records_total", &labels);
        assert_eq!(metric.unwrap_or(0.0), value, "{outcome}");
    }
    assert!(trial.metric("eddyline_function_cpu_seconds_total") > 0.0);
    trial.node.eventually("nothing is in flight and nothing lags", |_| {
        let names = ["eddyline_function_in_flight_records", "eddyline_function_lag_records"];
        names.iter().all(|name| trial.metric(name) == 0.0).then_some(())
    });
    trial.node.eventually("an isolate and its heap show", |_| {
        let shown = trial.metric("eddyline_function_active_isolates") == 1.0;
        (shown && trial.metric("eddyline_function_heap_bytes") > 0.0).then_some(())
    });
    assert_eq!(trial.node.metric("eddyline_worker_alive_processes", &[("group", "shared")]), Some(1.0));
}

#[test]
fn the_lag_is_what_kafkas_own_tools_see() {
    let Some(scene) = Scene::new("lag") else { return };
    let (input, output) = (scene.topic("in", 1), scene.topic("out", 1));
    let handler = "
        export default (record) => record.text() === 'wait' ? new Promise(() => {}) : record;";
    let more = "[limits]\nwall = \"10m\"";
    let function = scene.function("it").reads(&input).writes(&output).with(more).handler(handler);
    scene.write(&input, ["a", "b", "wait", "c", "d"].map(Record::of));
    let node = scene.start();
    node.eventually("three records lag", |node| node.status(&function).filter(|status| status["lag"] == 3).map(|_| ()));
    crate::support::eventually("the group has committed two", || {
        let committed = crate::support::reading::committed(&scene.brokers, &function.group, &input);
        (committed == [Some(2)]).then_some(())
    });
    let labels = [("function", &*function.name), ("topic", &*input)];
    assert_eq!(node.metric("eddyline_function_lag_records", &labels), Some(3.0));
}
