// SPDX-License-Identifier: LGPL-2.1-or-later
//! Linux mailboxes: named queues of messages in the kernel, see mbox(4).
//!
//! A [`Mailbox`] is a handle: a file descriptor with rights, which is closed when it is
//! dropped. Threads may share it.
//!
//! ```no_run
//! use mbox::{Create, Mailbox, Rights};
//! use std::time::Duration;
//!
//! # fn main() -> mbox::Result<()> {
//! let jobs = Create::new().capacity(16).open_or_create("jobs", Rights::BOTH)?;
//! jobs.send(b"paint the fence")?;
//! let job = jobs.recv_timeout(Duration::from_secs(1))?;
//! println!("{} from {}", String::from_utf8_lossy(&job.data), job.header.pid);
//! # Ok(())
//! # }
//! ```
//!
//! A call that a signal interrupts fails with [`ErrorKind::Interrupted`]; nothing was sent
//! or received. To go on with the same limit in time, make the call again with the same
//! [`Deadline`].
//!
//! A [`Lease`] hides a message until it is acknowledged: if the process ends first, the message
//! returns to its place. [`Mailbox::call`] sends a request and waits for the reply.
//!
//! A [`Ring`] is a mailbox in shared memory, of one sender and one receiver.
#![deny(missing_docs)]

mod create;
mod error;
mod lease;
mod mailbox;
mod message;
mod post;
mod ring;

pub use create::{Create, Lifetime, Policy, CAPACITY_UNBOUNDED, EXCLUSIVE, GROW, OVERFLOW, TRACK};
pub use error::{Error, ErrorKind, Result};
pub use mailbox::{delete, Change, Delete, Deleted, Info, Mailbox, Messages, Rights, HANDOVER_HEIR, HANDOVER_RECV};
pub use lease::{Lease, LeaseOptions, Reason};
pub use mbox_sys::mbox_header as Header;
pub use message::{Deadline, Filter, Message, SendOptions, Wait};
pub use post::{CallOptions, PostOptions};
pub use ring::Ring;

/// The version of the library that runs, as `1.0.0`.
pub fn version() -> &'static str {
    // SAFETY: static text.
    unsafe { error::text(mbox_sys::mbox_version()) }
}
