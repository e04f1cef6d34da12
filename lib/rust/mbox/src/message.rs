// SPDX-License-Identifier: LGPL-2.1-or-later
//! Messages, and how to send and receive them.
use crate::error::Result;
use crate::Header;
use std::time::Duration;

/// A message: payload and header.
#[derive(Clone, Debug)]
pub struct Message {
    /// The payload.
    pub data: Vec<u8>,
    /// The header; pid and start are the identity of the sender.
    pub header: Header,
}

impl Message {
    /// The type, all 64 bits of it.
    pub fn type_(&self) -> u64 {
        self.header.full_type()
    }
}

/// A point in time, on CLOCK_MONOTONIC, for any number of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(i64);

impl Deadline {
    pub(crate) fn raw(self) -> i64 {
        self.0
    }

    /// That long from now. A time beyond the range of the clock never comes.
    pub fn after(time: Duration) -> Deadline {
        let nanoseconds = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        let mut deadline = i64::MAX;
        // SAFETY: writes a number. It fails for clocks and times that are not passed.
        unsafe {
            mbox_sys::mbox_deadline_after(
                nanoseconds,
                mbox_sys::MBOX_CLOCK_MONOTONIC,
                &mut deadline,
            )
        };
        Deadline(deadline)
    }
}

/// How long a call may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Wait {
    /// As long as it takes.
    #[default]
    Forever,
    /// Not at all.
    Never,
    /// Until then.
    Until(Deadline),
}

impl From<Duration> for Wait {
    fn from(time: Duration) -> Wait {
        if time.is_zero() {
            Wait::Never
        } else {
            Wait::Until(Deadline::after(time))
        }
    }
}

impl Wait {
    fn clock(self) -> (u32, i64) {
        match self {
            Wait::Until(Deadline(deadline)) => (mbox_sys::MBOX_CLOCK_MONOTONIC, deadline),
            _ => (mbox_sys::MBOX_CLOCK_NONE, 0),
        }
    }
}

/// How to send.
#[derive(Clone, Copy, Debug, Default)]
pub struct SendOptions {
    /// Higher is received first, up to 32767.
    pub prio: u32,
    /// Any number, for receivers to select by; on a broadcast of 32 bits, but with
    /// [`send_many`](crate::Mailbox::send_many).
    pub type_: u64,
    /// Return when the message was received.
    pub sync: bool,
    /// How long to wait for room or, with sync, for the receiver.
    pub wait: Wait,
}

impl SendOptions {
    pub(crate) fn raw(&self) -> mbox_sys::mbox_send_opts {
        let (clock, deadline) = self.wait.clock();
        let mut flags = 0;
        if self.wait == Wait::Never {
            flags |= mbox_sys::MBOX_SEND_NONBLOCK;
        }
        if self.sync {
            flags |= mbox_sys::MBOX_SEND_SYNC;
        }
        let (type_, type_hi) = halves(self.type_);
        mbox_sys::mbox_send_opts { flags, prio: self.prio, type_, type_hi, clock, deadline, ..Default::default() }
    }
}

/// The low and the high 32 bits of a type.
pub(crate) fn halves(type_: u64) -> (u32, u32) {
    (type_ as u32, (type_ >> 32) as u32)
}

/// How to receive: the first message that passes all of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// The type. One of the three filters by type may be some.
    pub type_: Option<u64>,
    /// Any type but this.
    pub not_type: Option<u64>,
    /// Of the types up to this, the lowest that is queued; not on links and inboxes.
    pub max_type: Option<u64>,
    /// The very process that sent a message, by its header.
    pub sender: Option<Header>,
    /// The lowest priority.
    pub min_prio: u32,
    /// Leave the message queued.
    pub peek: bool,
    /// Peek at the message that so many others come before, and do not wait.
    pub at: Option<u64>,
    /// Of [`recv_into`](crate::Mailbox::recv_into): cut a message that is longer than the buffer,
    /// and lose its rest. The header has the whole length.
    pub trunc: bool,
    /// How long to wait for a message.
    pub wait: Wait,
}

impl Filter {
    pub(crate) fn raw(&self) -> mbox_sys::mbox_recv_opts {
        let (clock, deadline) = self.wait.clock();
        let mut raw =
            mbox_sys::mbox_recv_opts { min_prio: self.min_prio, clock, deadline, ..Default::default() };
        if self.wait == Wait::Never {
            raw.flags |= mbox_sys::MBOX_RECV_NONBLOCK;
        }
        if self.peek {
            raw.flags |= mbox_sys::MBOX_RECV_PEEK;
        }
        if let Some(at) = self.at {
            raw.flags |= mbox_sys::MBOX_RECV_PEEK | mbox_sys::MBOX_RECV_AT;
            raw.index = at;
        }
        for (type_, flag) in [
            (self.type_, mbox_sys::MBOX_RECV_BY_TYPE),
            (self.not_type, mbox_sys::MBOX_RECV_NOT_TYPE),
            (self.max_type, mbox_sys::MBOX_RECV_MAX_TYPE),
        ] {
            if let Some(type_) = type_ {
                raw.flags |= flag;
                (raw.type_, raw.type_hi) = halves(type_);
            }
        }
        if let Some(sender) = self.sender {
            raw.flags |= mbox_sys::MBOX_RECV_BY_SENDER | mbox_sys::MBOX_RECV_BY_START;
            raw.pid = sender.pid;
            raw.start = sender.start;
        }
        raw
    }
}

/// Receive into a vector that grows as the message needs it: `receive` fills a buffer.
pub(crate) fn grow(
    mut receive: impl FnMut(&mut [u8]) -> Result<Header>,
) -> Result<Message> {
    let mut data = vec![0; 4096];
    loop {
        match receive(&mut data) {
            Ok(header) => {
                data.truncate(header.length as usize);
                return Ok(Message { data, header });
            }
            // It stays queued; another receiver may be faster, so that the next one is longer.
            Err(error) if error.length() > data.len() as u64 => {
                data.resize(error.length() as usize, 0);
            }
            Err(error) => return Err(error),
        }
    }
}
