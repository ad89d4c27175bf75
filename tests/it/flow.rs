//! What comes out of a handler, and how it is written.

use crate::support::record::texts;
use crate::support::{Record, Scene};

#[test]
fn what_a_handler_returns_is_written_as_json_with_its_records_key() {
    let Some(scene) = Scene::new("returns") else { return };
    let (orders, enriched) = (scene.topic("orders", 2), scene.topic("enriched", 2));
    let enrich = scene.function("enrich").reads(&orders).writes(&enriched).handler(
        "interface Order { quantity: number; price: number }
         export default function (record, ctx) {
           const order = record.json() as Order;
           return { ...order, total: order.quantity * order.price };
         }",
    );
    scene.write(&orders, [Record::new("a", r#"{"quantity":2,"price":3}"#).on(1).at(1_700_000_000_000).header("h", "v")]);
    let node = scene.start();
    node.runs(&enrich);
    scene.caught_up(&enrich);
    let records = scene.read(&enriched);
    assert_eq!(texts(&records), [r#"{"quantity":2,"price":3,"total":6}"#]);
    assert_eq!(records[0].key_text(), "a");
    assert_eq!(records[0].header_text("h"), Some("v"));
    assert_eq!(records[0].timestamp, Some(1_700_000_000_000));
    node.stop();
}
