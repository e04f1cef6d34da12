// SPDX-License-Identifier: LGPL-2.1-or-later
//! Rings: mailboxes in shared memory.
use crate::create::{Create, Lifetime};
use crate::error::{Error, Result, EINVAL};
use crate::mailbox::{c_name, Handle, Info, Rights};
use crate::message::{grow, Filter, Message, SendOptions, Wait};
use crate::Header;
use mbox_sys as sys;
use std::cell::Cell;
use std::marker::PhantomData;
use std::os::raw::c_int;
use std::os::unix::io::{AsRawFd, RawFd};

/// One side of a ring: of one thread at a time, which may be another one later.
///
/// Messages go through memory that both sides map, most often without a call of the
/// kernel. The payload is copied, so that the other side cannot change it afterwards.
pub struct Ring {
    handle: Handle,
    one_thread: PhantomData<Cell<()>>,
}

impl Ring {
    /// Make a ring of that many bytes, a power of two, and open one side of it.
    pub fn create(name: &str, bytes: u64, side: Rights, attributes: Create) -> Result<Ring> {
        let (name, attr) = (c_name(name)?, attributes.ring(bytes).raw(Lifetime::Os));
        // SAFETY: the arguments last for the call.
        Ring::make(side, |mbp| unsafe { sys::mbox_create(mbp, name.as_ptr(), side.bits(), &attr) })
    }

    /// Open one side of a ring that exists.
    pub fn open(name: &str, side: Rights) -> Result<Ring> {
        let name = c_name(name)?;
        // SAFETY: as above.
        Ring::make(side, |mbp| unsafe { sys::mbox_open(mbp, name.as_ptr(), side.bits()) })
    }

    fn make(side: Rights, open: impl FnOnce(*mut *mut sys::mbox) -> c_int) -> Result<Ring> {
        if side != Rights::RECV && side != Rights::SEND {
            return Err(Error::new(EINVAL));
        }
        let handle = Handle::make(open)?;
        if handle.info()?.kind != sys::MBOX_KIND_RING {
            return Err(Error::new(EINVAL));
        }
        Ok(Ring { handle, one_thread: PhantomData })
    }

    /// Send a message with a type, waiting for room as long as that.
    pub fn send(&mut self, data: &[u8], type_: u32, wait: Wait) -> Result<()> {
        self.handle.send(data, &SendOptions { type_: type_.into(), wait, ..Default::default() }).map(drop)
    }

    /// Receive the next message, of any length, waiting for one as long as that.
    pub fn recv(&mut self, wait: Wait) -> Result<Message> {
        grow(|buf| self.handle.recv(buf, &Filter { wait, ..Default::default() }))
    }

    /// Receive into a buffer; the header has length and type.
    pub fn recv_into(&mut self, buf: &mut [u8], wait: Wait) -> Result<Header> {
        self.handle.recv(buf, &Filter { wait, ..Default::default() })
    }

    /// Attributes.
    pub fn info(&self) -> Result<Info> {
        self.handle.info()
    }
}

impl AsRawFd for Ring {
    fn as_raw_fd(&self) -> RawFd {
        // SAFETY: the handle is valid.
        unsafe { sys::mbox_fd(self.handle.raw()) }
    }
}
