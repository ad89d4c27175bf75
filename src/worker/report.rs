//! Gathers how invocations ended, and sends it in few messages.

use std::sync::Arc;

use super::clock::CpuClock;
use super::failure::Failure;
use super::outbox::Outbox;
use crate::protocol::Kind;
use crate::protocol::control::{self, Unloaded};
use crate::protocol::settled::SettledBuilder;

/// A message is sent once it has grown to this.
const ENOUGH: usize = 256 << 10;
/// A larger buffer is not kept for the next message: there may be many isolates.
const KEPT: usize = 2 * ENOUGH;
/// No entry waits longer than this while others run.
const PATIENCE_NS: u64 = 5_000_000;

pub struct Report {
    channel: u32,
    outbox: Arc<Outbox>,
    message: SettledBuilder,
    oldest_ns: u64,
    cpu: CpuClock,
    cpu_reported_ns: u64,
}

/// Bytes that the isolate holds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    pub heap: u64,
    pub external: u64,
}

/// How one record ended.
pub enum Verdict<'a> {
    Success {
        count: u32,
        results: &'a [u8],
    },
    Failure(&'a Failure),
    /// It is to run again after so many milliseconds.
    Later(&'a Failure, u32),
}

impl Report {
    /// Reports for an isolate on the calling thread.
    pub fn new(channel: u32, outbox: Arc<Outbox>) -> Report {
        let message = SettledBuilder::new(channel);
        let cpu = CpuClock::own();
        // What loading took is nobody's.
        Report { channel, outbox, message, oldest_ns: 0, cpu, cpu_reported_ns: cpu.read_ns() }
    }

    fn note(&mut self, now_ns: u64) {
        if self.message.is_empty() {
            self.oldest_ns = now_ns;
        }
    }

    pub fn not_run(&mut self, id: u64, lane: u32, now_ns: u64) {
        self.note(now_ns);
        self.message.not_run(id, lane);
    }

    pub fn whole(&mut self, id: u64, lane: u32, wall_ns: u64, failure: &Failure, now_ns: u64) {
        self.note(now_ns);
        self.message.whole(id, lane, wall_ns, failure.outcome, &failure.message, &failure.stack);
    }

    /// Begins an entry; as many [`Report::verdict`]s must follow as it has records.
    pub fn each(&mut self, id: u64, lane: u32, wall_ns: u64, records: u32, now_ns: u64) {
        self.note(now_ns);
        self.message.each(id, lane, wall_ns, records);
    }

    pub fn verdict(&mut self, verdict: &Verdict<'_>) {
        match verdict {
            Verdict::Success { count, results } => self.message.success(*count, results),
            Verdict::Failure(failure) => self.message.failure(failure.outcome, &failure.message, &failure.stack),
            Verdict::Later(failure, delay_ms) => {
                self.message.later(failure.outcome, *delay_ms, &failure.message, &failure.stack);
            }
        }
    }

    /// Whether it is time to send, although more is coming.
    pub fn is_due(&self, now_ns: u64) -> bool {
        !self.message.is_empty() && (self.message.len() >= ENOUGH || now_ns - self.oldest_ns >= PATIENCE_NS)
    }

    pub fn is_empty(&self) -> bool {
        self.message.is_empty()
    }

    pub fn flush(&mut self, memory: Memory) {
        if !self.message.is_empty() {
            let message = self.finish(memory);
            self.outbox.send(&message);
            if message.capacity() <= KEPT {
                self.message = SettledBuilder::reusing(message, self.channel);
            }
        }
    }

    /// Lets go of the room for the next message, if there is nothing in it.
    pub fn shrink(&mut self) {
        if self.message.is_empty() {
            self.message = SettledBuilder::new(self.channel);
        }
    }

    /// The last message, with the news behind it that the isolate is gone, so that the host hears both at once.
    pub fn close(&mut self, memory: Memory, reason: Option<String>) {
        let mut messages = if self.message.is_empty() { Vec::new() } else { self.finish(memory) };
        messages.extend(control::encode(Kind::Unloaded, self.channel, &Unloaded { reason }));
        self.outbox.send(&messages);
    }

    fn finish(&mut self, memory: Memory) -> Vec<u8> {
        let message = std::mem::replace(&mut self.message, SettledBuilder::new(self.channel));
        let cpu = self.cpu.read_ns();
        let spent = cpu.saturating_sub(self.cpu_reported_ns);
        self.cpu_reported_ns = cpu;
        message.finish(spent, memory.heap, memory.external)
    }
}
