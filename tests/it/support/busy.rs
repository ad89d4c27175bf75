//! Handlers that take their time.

/// Computes for so many milliseconds, other records of its isolate between, and then does this.
pub fn busy(ms: u32, then: &str) -> String {
    format!(
        "export default async (record, ctx) => {{
           const until = Date.now() + {ms};
           while (Date.now() < until) await Promise.resolve();
           {then}
         }};"
    )
}

/// The result goes to the partition that its record came from.
pub const KEEPS_PARTITION: &str = "ctx.emit(record, { partition: record.partition });";
