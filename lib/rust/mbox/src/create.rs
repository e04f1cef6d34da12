// SPDX-License-Identifier: LGPL-2.1-or-later
//! Making mailboxes.
use crate::error::Result;
use crate::mailbox::{c_name, Mailbox, Rights};
use std::ptr;

/// A capacity that quota and memory alone limit.
pub const CAPACITY_UNBOUNDED: u32 = mbox_sys::MBOX_CAPACITY_UNBOUNDED;
/// One process in a receive at a time.
pub const EXCLUSIVE: u32 = mbox_sys::MBOX_OPTION_EXCLUSIVE;
/// Of a broadcast: slow handles lose messages instead of blocking the senders.
pub const OVERFLOW: u32 = mbox_sys::MBOX_OPTION_OVERFLOW;
/// Of a ring: memory only while it is used.
pub const GROW: u32 = mbox_sys::MBOX_OPTION_GROW;
/// The mailbox tells its last sender and receiver, and when.
pub const TRACK: u32 = mbox_sys::MBOX_OPTION_TRACK;

/// When a mailbox ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Lifetime {
    /// When it is deleted.
    Os = mbox_sys::MBOX_LIFETIME_OS,
    /// When its owner, at first the process that makes it, ends.
    Process = mbox_sys::MBOX_LIFETIME_PROCESS,
    /// When its last handle is closed.
    Handle = mbox_sys::MBOX_LIFETIME_FD,
}

/// The choice among receivers that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Policy {
    /// The receiver that has waited longest.
    Fifo = mbox_sys::MBOX_POLICY_FIFO,
    /// The receiver that has waited shortest.
    Lifo = mbox_sys::MBOX_POLICY_LIFO,
    /// The process that was served least recently.
    RoundRobin = mbox_sys::MBOX_POLICY_RR,
    /// The highest scheduling priority.
    Priority = mbox_sys::MBOX_POLICY_PRIO,
    /// All handles that are open for receiving.
    Broadcast = mbox_sys::MBOX_POLICY_BROADCAST,
}

/// Attributes of a new mailbox, see mbox_create(3): at first mode 0600, 64 messages of up
/// to 8 KiB, and [`Lifetime::Os`] (an anonymous mailbox: [`Lifetime::Handle`]).
#[derive(Clone, Debug)]
pub struct Create {
    attr: mbox_sys::mbox_attr,
    lifetime: Option<Lifetime>,
}

impl Default for Create {
    fn default() -> Self {
        Create::new()
    }
}

impl Create {
    /// The defaults.
    pub fn new() -> Create {
        Create {
            attr: mbox_sys::mbox_attr { mode: 0o600, capacity: 64, ..Default::default() },
            lifetime: None,
        }
    }

    /// Permission bits, less the umask: r to receive, w to send.
    pub fn mode(mut self, mode: u32) -> Self {
        self.attr.mode = mode;
        self
    }

    /// When it ends.
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// Messages: 0 for a rendezvous, or [`CAPACITY_UNBOUNDED`].
    pub fn capacity(mut self, capacity: u32) -> Self {
        self.attr.capacity = capacity;
        self
    }

    /// The longest message, in bytes.
    pub fn msg_size(mut self, bytes: u32) -> Self {
        self.attr.msg_size = bytes;
        self
    }

    /// The most bytes queued; 0 for no such limit.
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.attr.bytes = bytes;
        self
    }

    /// The choice among receivers.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.attr.policy = policy as u32;
        self
    }

    /// Processes that may take part; 0 for any number.
    pub fn max_procs(mut self, processes: u32) -> Self {
        self.attr.max_procs = processes;
        self
    }

    /// [`EXCLUSIVE`], [`OVERFLOW`], [`GROW`], [`TRACK`].
    pub fn options(mut self, options: u32) -> Self {
        self.attr.options = options;
        self
    }

    /// The id, of [`Info`](crate::Info), of the mailbox that gets the messages that nobody
    /// could process.
    pub fn dead_letter(mut self, id: u64) -> Self {
        self.attr.dead_letter = id;
        self
    }

    /// Times that a message is given out under a lease; 0 for any number.
    pub fn max_deliveries(mut self, times: u32) -> Self {
        self.attr.max_deliveries = times;
        self
    }

    pub(crate) fn ring(mut self, bytes: u64) -> Self {
        self.attr.ring = bytes;
        self.attr.capacity = mbox_sys::MBOX_CAPACITY_ZERO;
        self
    }

    pub(crate) fn raw(&self, default: Lifetime) -> mbox_sys::mbox_attr {
        mbox_sys::mbox_attr { lifetime: self.lifetime.unwrap_or(default) as u32, ..self.attr }
    }

    /// Make a mailbox and open it.
    pub fn create(&self, name: &str, rights: Rights) -> Result<Mailbox> {
        let (name, attr) = (c_name(name)?, self.raw(Lifetime::Os));
        // SAFETY: the arguments last for the call.
        Mailbox::make(|mbp| unsafe { mbox_sys::mbox_create(mbp, name.as_ptr(), rights.bits(), &attr) })
    }

    /// Open a mailbox, or make it if it is missing.
    pub fn open_or_create(&self, name: &str, rights: Rights) -> Result<Mailbox> {
        let (name, attr) = (c_name(name)?, self.raw(Lifetime::Os));
        Mailbox::make(|mbp| {
            // SAFETY: as above.
            unsafe { mbox_sys::mbox_open_or_create(mbp, name.as_ptr(), rights.bits(), &attr) }
        })
    }

    /// Make a mailbox without a name: others reach it through the handle.
    pub fn anonymous(&self, rights: Rights) -> Result<Mailbox> {
        let attr = self.raw(Lifetime::Handle);
        // SAFETY: as above.
        Mailbox::make(|mbp| unsafe { mbox_sys::mbox_create(mbp, ptr::null(), rights.bits(), &attr) })
    }
}
