//! All that can pass between the host and a worker process.
//!
//! They share a stream socket and some memory. On the socket go messages, each a kind, a channel and a body,
//! cut into frames of at most [`MAX_FRAME`] bytes, so that a large body never holds up the others ([`frame`]).
//! Long bodies of `Run` and `Settled` lie in the shared memory, and only where goes on the socket ([`slots`]).
//! A channel is an isolate; channel 0 is the worker itself.
//!
//! | direction | kind | body | module |
//! | --- | --- | --- | --- |
//! | worker → host | `Hello` | versions, process id, credit of a lane, what confines it | [`control`], [`sandbox`] |
//! | host → worker | `Prepare` | the files of a function's folder, to transpile and check | [`control`] |
//! | worker → host | `Prepared` | modules ready to load, or what is wrong with them | [`control`] |
//! | host → worker | `Load` | a prepared function, to be given an isolate | [`control`] |
//! | worker → host | `Loaded` | the isolate is ready, or why not | [`control`] |
//! | host → worker | `Spare` | from now on, keep an isolate ready for the next `Load` | |
//! | host → worker | `Run` | many invocations, each with its records | [`run`] |
//! | worker → host | `Settled` | how invocations ended, one by one, with their results | [`settled`] |
//! | both | `RunAt`, `SettledAt` | where the body of a `Run` or `Settled` lies | [`slots`] |
//! | host → worker | `Recall` | give back what a lane has not begun | [`control`] |
//! | host → worker | `Unload` | give the isolate back | [`control`] |
//! | worker → host | `Unloaded` | the isolate is gone, asked for or not | [`control`] |
//! | worker → host | `Log` | what a handler wrote to its console | [`control`] |
//! | worker → host | `Call` | a fetch, a piece of its request, that a piece of its response was used | [`calls`] |
//! | host → worker | `Reply` | its response's head, a piece of its body, its end or its failure | [`calls`] |
//!
//! **Lanes and credit.** Invocations of one lane are entered in the order in which they were sent, each only after
//! the one before has settled. A worker grants each lane the credit of its `Hello`; settling an invocation returns
//! its part. One record larger than the credit may be sent when nothing else is outstanding on its lane.
//!
//! **Epochs.** When an invocation ends in a way that the host must decide on, the lane stops: everything behind it
//! with the same or an older epoch comes back as not run, in order. The host sends it again under a higher epoch.
//! `Recall` stops a lane in the same way.
//!
//! **Calls.** What an isolate may fetch is known to the host alone, by channel; nothing that a worker says can widen
//! it. A fetch lives at most as long as its isolate, and its worker cancels it when its invocation ends.
//!
//! **Trust.** The host treats every byte from a worker as hostile: bounded, copied, then checked. Whatever breaks
//! the rules ends the worker. The shared memory ([`words`]) holds two words for each isolate: the invocation that it is
//! running, zero when it runs none, and the memory that it holds. They are hints: whoever is named there is at most run
//! alone, and only what happens in a process of its own counts against a record for good.

pub mod calls;
pub mod control;
pub mod frame;
pub mod headers;
pub mod kept;
pub mod run;
pub mod sandbox;
pub mod settled;
pub mod slots;
pub mod socket;
pub mod wire;
pub mod words;

pub use frame::{Kind, MAX_FRAME, MAX_MESSAGE, Message};

/// Raised with each change that an older worker would not understand.
pub const VERSION: u32 = 5;
