// SPDX-License-Identifier: LGPL-2.1-or-later
//! Leases: messages that return to their place unless they are acknowledged.
use crate::error::{check, Error, Result, EMSGSIZE};
use crate::mailbox::Mailbox;
use crate::message::{grow, Filter, Message};
use crate::Header;
use mbox_sys as sys;
use std::ops::Deref;
use std::os::raw::c_int;
use std::time::Duration;

/// How to lease.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeaseOptions {
    /// The choice of the message, and how long to wait for it; not to peek.
    pub filter: Filter,
    /// The lease ends by itself after that time.
    pub time: Option<Duration>,
    /// The lease ends with the last handle of this open file, and not with this process.
    pub shared: bool,
}

/// Why a message went to the dead-letter mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It was given out as often as the mailbox allows.
    Deliveries,
    /// A holder rejected it, with this number.
    Rejected(u32),
    /// Its time was over before it was received.
    Expired,
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).min(i64::MAX as u64)
}

fn raw_opts(
    recv: *const sys::mbox_recv_opts,
    time: Option<Duration>,
    shared: bool,
) -> sys::mbox_lease_opts {
    sys::mbox_lease_opts {
        recv,
        flags: if shared { sys::MBOX_LEASE_HANDLE } else { 0 },
        clock: time.map_or(sys::MBOX_CLOCK_NONE, |_| sys::MBOX_CLOCK_MONOTONIC),
        time: time.map_or(0, |time| nanoseconds(time).max(1)),
        ack: 0,
    }
}

/// A message under a lease, which one of [`ack`](Lease::ack), [`reply`](Lease::reply),
/// [`retry`](Lease::retry) and [`reject`](Lease::reject) ends. Dropping it gives the message
/// back as if it had not been given out.
///
/// [`ErrorKind::Stale`](crate::ErrorKind::Stale) if the lease is over.
pub struct Lease<'a> {
    mailbox: &'a Mailbox,
    message: Message,
    delivery: sys::mbox_delivery,
    done: bool,
}

impl Lease<'_> {
    /// The token, which serves any process that has a handle for receiving.
    pub fn token(&self) -> u64 {
        self.delivery.token
    }

    /// Times that the message was given out under a lease, this one included.
    pub fn deliveries(&self) -> u32 {
        self.delivery.deliveries
    }

    /// Whether the sender waits for a reply.
    pub fn is_call(&self) -> bool {
        self.delivery.flags & sys::MBOX_DELIVERY_CALL != 0
    }

    /// Of a call: most bytes of the reply.
    pub fn room(&self) -> u64 {
        self.delivery.room
    }

    /// Of a call with a deadline: the time until the caller gives up, when it was received.
    pub fn left(&self) -> Option<Duration> {
        u64::try_from(self.delivery.left).ok().map(Duration::from_nanos)
    }

    /// Of a dead letter: why it is here.
    pub fn reason(&self) -> Option<Reason> {
        match self.delivery.reason {
            sys::MBOX_REASON_DELIVERIES => Some(Reason::Deliveries),
            sys::MBOX_REASON_REJECTED => Some(Reason::Rejected(self.delivery.code)),
            sys::MBOX_REASON_EXPIRED => Some(Reason::Expired),
            _ => None,
        }
    }

    /// Of a dead letter: the id of the mailbox to which it was sent, and its number there.
    pub fn origin(&self) -> Option<(u64, u64)> {
        (self.delivery.origin != 0).then_some((self.delivery.origin, self.delivery.origin_seq))
    }

    fn nack(mut self, how: u32, delay: u64, code: u32) -> Result<()> {
        self.done = true;
        // SAFETY: no memory is passed.
        check(unsafe { sys::mbox_nack(self.mailbox.raw(), self.token(), how, delay, code) }).map(drop)
    }

    /// Acknowledge the message: it is gone. For the sender of a call, an empty reply.
    pub fn ack(mut self) -> Result<Message> {
        self.done = true;
        // SAFETY: no memory is passed.
        check(unsafe { sys::mbox_ack(self.mailbox.raw(), self.token()) })?;
        Ok(Message { data: std::mem::take(&mut self.message.data), header: self.message.header })
    }

    /// Reply to a call. [`ErrorKind::TooLong`](crate::ErrorKind::TooLong) if the caller has no
    /// room for it: the lease is given back then.
    pub fn reply(mut self, data: &[u8]) -> Result<()> {
        // SAFETY: the kernel reads the slice.
        let ret = unsafe {
            sys::mbox_reply(self.mailbox.raw(), self.token(), data.as_ptr().cast(), data.len())
        };
        self.done = ret != -EMSGSIZE;
        check(ret).map(drop)
    }

    /// Give the message back as if it had not been given out, as dropping does.
    pub fn release(self) -> Result<()> {
        self.nack(sys::MBOX_NACK_RELEASE, 0, 0)
    }

    /// Give the message back, to be tried again after that time.
    pub fn retry(self, delay: Duration) -> Result<()> {
        self.nack(sys::MBOX_NACK_RETRY, nanoseconds(delay), 0)
    }

    /// Give the message up: it goes to the dead-letter mailbox, or is parked. A caller gets
    /// [`ErrorKind::Rejected`](crate::ErrorKind::Rejected) and the number.
    pub fn reject(self, code: u32) -> Result<()> {
        self.nack(sys::MBOX_NACK_REJECT, 0, code)
    }

    /// Have the lease end that long from now, or not by itself.
    pub fn extend(&self, time: Option<Duration>) -> Result<()> {
        let raw = raw_opts(std::ptr::null(), time, false);
        // SAFETY: the options last for the call.
        check(unsafe { sys::mbox_extend(self.mailbox.raw(), self.token(), &raw) }).map(drop)
    }
}

impl Deref for Lease<'_> {
    type Target = Message;

    fn deref(&self) -> &Message {
        &self.message
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if !self.done {
            // SAFETY: no memory is passed. If it fails, the lease is over.
            unsafe {
                sys::mbox_nack(self.mailbox.raw(), self.token(), sys::MBOX_NACK_RELEASE, 0, 0)
            };
        }
    }
}

impl Mailbox {
    /// Receive a message with a lease.
    pub fn lease(&self, opts: &LeaseOptions) -> Result<Lease<'_>> {
        let recv = opts.filter.raw();
        let mut delivery = sys::mbox_delivery::default();
        let message = grow(|buf| {
            let mut raw = raw_opts(&recv, opts.time, opts.shared);
            let mut header = Header::default();
            // SAFETY: at most the slice is written, and the options last for the call.
            let ret = unsafe {
                sys::mbox_lease(
                    self.raw(),
                    buf.as_mut_ptr().cast(),
                    buf.len(),
                    &mut raw,
                    &mut header,
                    &mut delivery,
                )
            };
            match ret {
                0.. => Ok(header),
                _ if ret == -(EMSGSIZE as isize) => Err(Error::too_long(header.length)),
                _ => Err(Error::new(-ret as c_int)),
            }
        })?;
        Ok(Lease { mailbox: self, message, delivery, done: false })
    }

    /// Bring parked messages back to their places, at most so many. Returns how many.
    pub fn kick(&self, most: u32) -> Result<u32> {
        // SAFETY: no memory is passed.
        check(unsafe { sys::mbox_kick(self.raw(), most) })
    }
}
