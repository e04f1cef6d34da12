// SPDX-License-Identifier: LGPL-2.1-or-later
//! Sends with more than a deadline: posts and calls.
use crate::error::{check, Error, Result, EREMOTEIO};
use crate::mailbox::Mailbox;
use crate::message::{Deadline, SendOptions};
use mbox_sys as sys;
use std::os::raw::c_int;
use std::time::Duration;

/// Options of [`Mailbox::post`], see mbox_post(3).
#[derive(Clone, Copy, Debug, Default)]
pub struct PostOptions {
    /// As of a send.
    pub send: SendOptions,
    /// A number that the mailbox keeps until the next one.
    pub mark: Option<u64>,
    /// Nobody receives the message before that time is over.
    pub delay: Option<Duration>,
    /// After that time the message goes to the dead-letter mailbox, or is parked.
    pub expires: Option<Duration>,
    /// Wait until a receiver has acknowledged it.
    pub acked: bool,
}

/// How to call.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallOptions {
    /// As of a send, not sync; the wait is for the reply.
    pub send: SendOptions,
    /// If the server ends, another one gets the request.
    pub retry: bool,
}

impl Mailbox {
    /// Send a message with a mark, with a time, or until it is acknowledged. Returns the result
    /// of mbox_post(3). With a time it does not wait for room.
    pub fn post(&self, data: &[u8], opts: &PostOptions) -> Result<u32> {
        let send = opts.send.raw();
        let mut raw = sys::mbox_post_opts {
            send: &send,
            flags: 0,
            clock: sys::MBOX_CLOCK_NONE,
            mark: opts.mark.unwrap_or(0),
            not_before: 0,
            expires: 0,
        };
        if opts.mark.is_some() {
            raw.flags |= sys::MBOX_POST_MARK;
        }
        if opts.acked {
            raw.flags |= sys::MBOX_POST_ACKED;
        }
        for (time, flag, field) in [
            (opts.delay, sys::MBOX_POST_NOT_BEFORE, &mut raw.not_before),
            (opts.expires, sys::MBOX_POST_EXPIRES, &mut raw.expires),
        ] {
            if let Some(time) = time {
                raw.flags |= flag;
                raw.clock = sys::MBOX_CLOCK_MONOTONIC;
                *field = Deadline::after(time).raw();
            }
        }
        // SAFETY: the kernel reads the slice, and the options last for the call.
        check(unsafe { sys::mbox_post(self.raw(), data.as_ptr().cast(), data.len(), &raw) })
    }

    /// Send a request, and wait for a reply of at most `room` bytes.
    ///
    /// [`ErrorKind::Rejected`](crate::ErrorKind::Rejected) if the server rejected it,
    /// [`ErrorKind::OwnerDied`](crate::ErrorKind::OwnerDied) if it ended without a reply. A call
    /// that fails has withdrawn the request, but a server may have done the work.
    pub fn call(&self, data: &[u8], room: usize, opts: &CallOptions) -> Result<Vec<u8>> {
        let send = opts.send.raw();
        let raw = sys::mbox_call_opts {
            send: &send,
            flags: if opts.retry { sys::MBOX_CALL_RETRY } else { 0 },
        };
        let mut called = sys::mbox_called::default();
        let mut reply = vec![0; room];
        // SAFETY: at most the vector is written, and the options last for the call.
        let ret = unsafe {
            sys::mbox_call(
                self.raw(),
                data.as_ptr().cast(),
                data.len(),
                reply.as_mut_ptr().cast(),
                room,
                &raw,
                &mut called,
            )
        };
        if ret == -(EREMOTEIO as isize) {
            return Err(Error::rejected(called.code));
        }
        if ret < 0 {
            return Err(Error::new(-ret as c_int));
        }
        reply.truncate(ret as usize);
        Ok(reply)
    }
}
