// SPDX-License-Identifier: LGPL-2.1-or-later
//! Handles on mailboxes.
use crate::error::{check, Error, Result, EINVAL, EMSGSIZE, EOPNOTSUPP};
use crate::message::{grow, halves, Filter, Message, SendOptions, Wait};
use crate::Header;
use mbox_sys as sys;
use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::os::raw::c_int;
use std::os::unix::io::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::ptr::{self, NonNull};
use std::time::Duration;

/// The new owner may open the mailbox for receiving under any mode.
pub const HANDOVER_RECV: u32 = sys::MBOX_HANDOVER_RECV;
/// The process becomes the owner when the present one ends.
pub const HANDOVER_HEIR: u32 = sys::MBOX_HANDOVER_HEIR;

/// Rights of a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights(u32);

impl Rights {
    /// None: for the attributes only.
    pub const NONE: Rights = Rights(0);
    /// To receive.
    pub const RECV: Rights = Rights(sys::MBOX_RIGHT_RECV);
    /// To send.
    pub const SEND: Rights = Rights(sys::MBOX_RIGHT_SEND);
    /// To receive and to send.
    pub const BOTH: Rights = Rights(sys::MBOX_RIGHT_RECV | sys::MBOX_RIGHT_SEND);

    /// MBOX_RIGHT_*.
    pub fn bits(self) -> u32 {
        self.0
    }
}

/// How to delete a mailbox, see mbox_delete(3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Delete {
    /// Only if no message is queued.
    Empty = sys::MBOX_DELETE_EMPTY,
    /// Sends fail, and it goes with its last message.
    Drain = sys::MBOX_DELETE_DRAIN,
    /// Now, dropping queued messages.
    Force = sys::MBOX_DELETE_FORCE,
    /// The name now, the mailbox with its last handle.
    Unlink = sys::MBOX_DELETE_UNLINK,
}

/// The result of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// Messages that were queued.
    pub queued: u64,
    /// Those of them that were dropped.
    pub dropped: u64,
}

impl From<sys::mbox_deleted> for Deleted {
    fn from(raw: sys::mbox_deleted) -> Deleted {
        Deleted { queued: raw.queued, dropped: raw.dropped }
    }
}

/// Changes of attributes: those that are some.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change {
    /// Permission bits.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Messages.
    pub capacity: Option<u32>,
    /// The longest message.
    pub msg_size: Option<u32>,
    /// The most bytes queued.
    pub bytes: Option<u64>,
}

/// Attributes and counters at one instant: the fields of `struct mbox_info`, see mbox_get(3).
#[derive(Clone, Copy)]
pub struct Info(sys::mbox_info);

impl Info {
    /// The name; empty if it is anonymous.
    pub fn name(&self) -> &str {
        // SAFETY: the kernel ends it with a NUL.
        unsafe { CStr::from_ptr(self.0.name.as_ptr()) }.to_str().unwrap_or("")
    }

    /// The label, any bytes, of a mailbox of a front end, in its `space`; else empty.
    pub fn label(&self) -> &[u8] {
        // SAFETY: the kernel ends it with a NUL.
        unsafe { CStr::from_ptr(self.0.label.as_ptr()) }.to_bytes()
    }
}

impl Deref for Info {
    type Target = sys::mbox_info;

    fn deref(&self) -> &sys::mbox_info {
        &self.0
    }
}

/// A handle of C, closed when it is dropped.
pub(crate) struct Handle(NonNull<sys::mbox>);

// SAFETY: mbox.h lets any thread call any function, and close a handle that no other uses.
unsafe impl Send for Handle {}

impl Handle {
    pub(crate) fn make(open: impl FnOnce(*mut *mut sys::mbox) -> c_int) -> Result<Handle> {
        let mut raw = ptr::null_mut();
        check(open(&mut raw))?;
        NonNull::new(raw).map(Handle).ok_or_else(|| Error::new(EINVAL))
    }

    pub(crate) fn raw(&self) -> *mut sys::mbox {
        self.0.as_ptr()
    }

    pub(crate) fn info(&self) -> Result<Info> {
        let mut info = MaybeUninit::<sys::mbox_info>::zeroed();
        // SAFETY: zero is a value of each field, and the call writes no more than the structure.
        unsafe {
            check(sys::mbox_get(self.raw(), info.as_mut_ptr()))?;
            Ok(Info(info.assume_init()))
        }
    }

    pub(crate) fn send(&self, data: &[u8], opts: &SendOptions) -> Result<u32> {
        let raw = opts.raw();
        // SAFETY: the kernel, or for a ring the library, reads the slice.
        check(unsafe { sys::mbox_send(self.raw(), data.as_ptr().cast(), data.len(), &raw) })
    }

    pub(crate) fn recv(&self, buf: &mut [u8], filter: &Filter) -> Result<Header> {
        self.recv_raw(buf, &filter.raw())
    }

    fn recv_raw(&self, buf: &mut [u8], raw: &sys::mbox_recv_opts) -> Result<Header> {
        let mut header = Header::default();
        // SAFETY: at most the slice is written.
        let ret = unsafe {
            sys::mbox_recv(self.raw(), buf.as_mut_ptr().cast(), buf.len(), raw, &mut header)
        };
        match ret {
            0.. => Ok(header),
            _ if ret == -(EMSGSIZE as isize) => Err(Error::too_long(header.length)),
            _ => Err(Error::new(-ret as c_int)),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: nobody else has it any more.
        unsafe { sys::mbox_close(self.raw()) }
    }
}

/// A name as a string of C.
pub(crate) fn c_name(name: &str) -> Result<CString> {
    CString::new(name).map_err(|_| Error::new(EINVAL))
}

/// Delete a mailbox by name.
pub fn delete(name: &str, how: Delete) -> Result<Deleted> {
    let name = c_name(name)?;
    let mut deleted = sys::mbox_deleted::default();
    // SAFETY: the arguments last for the call.
    check(unsafe { sys::mbox_delete(name.as_ptr(), how as u32, &mut deleted) })?;
    Ok(deleted.into())
}

/// A handle on a mailbox, which is closed when it is dropped. Threads may share it.
///
/// [`Create`](crate::Create) makes mailboxes.
pub struct Mailbox(Handle);

// SAFETY: any number of threads may use a handle at once; of() refuses rings.
unsafe impl Sync for Mailbox {}

impl Mailbox {
    pub(crate) fn make(open: impl FnOnce(*mut *mut sys::mbox) -> c_int) -> Result<Mailbox> {
        Mailbox::of(Handle::make(open)?)
    }

    fn of(handle: Handle) -> Result<Mailbox> {
        // The side of a ring belongs to one thread.
        if handle.info()?.kind == sys::MBOX_KIND_RING {
            return Err(Error::new(EOPNOTSUPP));
        }
        Ok(Mailbox(handle))
    }

    /// Open a mailbox that exists. [`ErrorKind::Unsupported`](crate::ErrorKind) if it is a ring.
    pub fn open(name: &str, rights: Rights) -> Result<Mailbox> {
        let name = c_name(name)?;
        // SAFETY: the arguments last for the call.
        Mailbox::make(|mbp| unsafe { sys::mbox_open(mbp, name.as_ptr(), rights.bits()) })
    }

    /// Open the mailbox that has this label in the space of a front end,
    /// such as `mbox_sys::MBOX_SPACE_MQ`.
    pub fn open_label(space: u32, label: &[u8], rights: Rights) -> Result<Mailbox> {
        let (data, size) = (label.as_ptr().cast(), label.len());
        // SAFETY: the arguments last for the call.
        Mailbox::make(|mbp| unsafe {
            sys::mbox_open_label(mbp, space, data, size, rights.bits(), 0, ptr::null())
        })
    }

    /// Open a mailbox by its id; in a space other than 0 by the low 31 bits of that.
    pub fn open_id(space: u32, id: u64, rights: Rights) -> Result<Mailbox> {
        // SAFETY: no memory is passed but the result.
        Mailbox::make(|mbp| unsafe { sys::mbox_open_id(mbp, space, id, rights.bits(), 0) })
    }

    /// The next id above `id` of a mailbox of `space`, or of any if that is 0, that can be
    /// opened.
    pub fn next_id(space: u32, mut id: u64) -> Result<u64> {
        // SAFETY: the argument lasts for the call.
        check(unsafe { sys::mbox_next_id(space, &mut id) })?;
        Ok(id)
    }

    /// Make a handle of a descriptor that was inherited or received. On failure it is closed.
    pub fn from_fd(fd: OwnedFd) -> Result<Mailbox> {
        // SAFETY: on success the handle owns the descriptor.
        let handle = Handle::make(|mbp| unsafe { sys::mbox_from_fd(mbp, fd.as_raw_fd()) })?;
        let _ = fd.into_raw_fd();
        Mailbox::of(handle)
    }

    /// Open the link to a process by its number, which may be another process's by now.
    pub fn link(pid: u32, capacity: u32, msg_size: u32) -> Result<Mailbox> {
        // SAFETY: no memory is passed but the result.
        Mailbox::make(|mbp| unsafe { sys::mbox_link(mbp, pid as c_int, capacity, msg_size) })
    }

    /// Open the link to the very process that sent a message.
    pub fn link_sender(header: &Header, capacity: u32, msg_size: u32) -> Result<Mailbox> {
        // SAFETY: the header lasts for the call.
        Mailbox::make(|mbp| unsafe { sys::mbox_link_sender(mbp, header, capacity, msg_size) })
    }

    /// Open the inbox of this process.
    pub fn inbox() -> Result<Mailbox> {
        // SAFETY: as for link().
        Mailbox::make(|mbp| unsafe { sys::mbox_inbox(mbp) })
    }

    pub(crate) fn raw(&self) -> *mut sys::mbox {
        self.0.raw()
    }

    /// Send a message, waiting for room.
    pub fn send(&self, data: &[u8]) -> Result<u32> {
        self.0.send(data, &SendOptions::default())
    }

    /// Send a message, waiting for no longer than that.
    pub fn send_timeout(&self, data: &[u8], time: Duration) -> Result<u32> {
        self.0.send(data, &SendOptions { wait: time.into(), ..Default::default() })
    }

    /// Send a message with options. Returns the result of mbox_send(3).
    pub fn send_with(&self, data: &[u8], opts: &SendOptions) -> Result<u32> {
        self.0.send(data, opts)
    }

    /// Send messages in one call, at most 1024. Returns how many were sent; if not all,
    /// sending the next one tells why.
    pub fn send_many(&self, messages: &[&[u8]], opts: &SendOptions) -> Result<usize> {
        let (type_, type_hi) = halves(opts.type_);
        let entries: Vec<_> = messages
            .iter()
            .map(|data| sys::mbox_send_entry {
                prio: opts.prio,
                type_,
                type_hi,
                data: data.as_ptr() as u64,
                size: data.len() as u64,
                ..Default::default()
            })
            .collect();
        let count = u32::try_from(entries.len()).map_err(|_| Error::new(EINVAL))?;
        let raw = sys::mbox_send_opts { prio: 0, type_: 0, type_hi: 0, ..opts.raw() };
        // SAFETY: the entries name slices that last for the call.
        check(unsafe { sys::mbox_sendv(self.raw(), entries.as_ptr(), count, &raw) }).map(|n| n as usize)
    }

    /// Receive the next message, of any length, waiting for one.
    pub fn recv(&self) -> Result<Message> {
        self.recv_with(&Filter::default())
    }

    /// Receive the next message, if there is one.
    pub fn try_recv(&self) -> Result<Message> {
        self.recv_with(&Filter { wait: Wait::Never, ..Default::default() })
    }

    /// Receive the next message, waiting for no longer than that.
    pub fn recv_timeout(&self, time: Duration) -> Result<Message> {
        self.recv_with(&Filter { wait: time.into(), ..Default::default() })
    }

    /// Receive the first message that passes a filter.
    pub fn recv_with(&self, filter: &Filter) -> Result<Message> {
        grow(|buf| self.0.recv(buf, filter))
    }

    /// Receive into a buffer; the header has the length.
    pub fn recv_into(&self, buf: &mut [u8], filter: &Filter) -> Result<Header> {
        let mut raw = filter.raw();
        if filter.trunc {
            raw.flags |= sys::MBOX_RECV_TRUNC;
        }
        self.0.recv_raw(buf, &raw)
    }

    /// Receive up to `count` messages of up to `size` bytes in one call, after waiting for `min`.
    pub fn recv_many(&self, count: usize, min: usize, size: usize, filter: &Filter) -> Result<Vec<Message>> {
        if count > sys::MBOX_BATCH_MAX as usize {
            return Err(Error::new(EINVAL));
        }
        let mut buffers = vec![vec![0u8; size]; count];
        let mut entries: Vec<_> = buffers
            .iter_mut()
            .map(|buf| sys::mbox_recv_entry {
                data: buf.as_mut_ptr() as u64,
                size: size as u64,
                ..Default::default()
            })
            .collect();
        let raw = filter.raw();
        let min = u32::try_from(min).map_err(|_| Error::new(EINVAL))?;
        // SAFETY: the entries name vectors that last, and that nothing else uses meanwhile.
        let ret = unsafe { sys::mbox_recvv(self.raw(), entries.as_mut_ptr(), count as u32, min, &raw) };
        if ret == -EMSGSIZE {
            return Err(Error::too_long(entries[0].header.length));
        }
        let got = check(ret)? as usize;
        Ok(buffers
            .into_iter()
            .zip(&entries[..got])
            .map(|(mut data, entry)| {
                data.truncate(entry.header.length as usize);
                Message { data, header: entry.header }
            })
            .collect())
    }

    /// Receive until no more can come: the mailbox is gone, its owner has ended, or nobody
    /// is left to send.
    pub fn messages(&self) -> Messages<'_> {
        Messages(self)
    }

    /// Attributes and counters.
    pub fn info(&self) -> Result<Info> {
        self.0.info()
    }

    /// Change attributes: all that are given, or none.
    pub fn set(&self, change: &Change) -> Result<()> {
        let mut raw = sys::mbox_ioc_set::default();
        for (flag, field, value) in [
            (sys::MBOX_SET_MODE, &mut raw.mode, change.mode),
            (sys::MBOX_SET_UID, &mut raw.uid, change.uid),
            (sys::MBOX_SET_GID, &mut raw.gid, change.gid),
            (sys::MBOX_SET_CAPACITY, &mut raw.capacity, change.capacity),
            (sys::MBOX_SET_MSG_SIZE, &mut raw.msg_size, change.msg_size),
        ] {
            if let Some(value) = value {
                raw.mask |= flag;
                *field = value;
            }
        }
        if let Some(bytes) = change.bytes {
            raw.mask |= sys::MBOX_SET_BYTES;
            raw.bytes = bytes;
        }
        // SAFETY: the argument lasts for the call.
        check(unsafe { sys::mbox_set(self.raw(), &raw) }).map(drop)
    }

    /// Set how this handle receives: the filter, which does not wait or peek, counts for poll,
    /// and for each receive without a filter of its own. With `header`, read() yields a
    /// [`Header`] and then the payload.
    pub fn mode(&self, header: bool, filter: &Filter) -> Result<()> {
        let (raw, flags) = (filter.raw(), if header { sys::MBOX_MODE_HEADER } else { 0 });
        // SAFETY: the filter lasts for the call.
        check(unsafe { sys::mbox_mode(self.raw(), flags, &raw) }).map(drop)
    }

    /// Register this process to be told once that a message came to the empty mailbox. The
    /// descriptor polls as urgent then, until [`Mailbox::notified`] takes the notice.
    pub fn notify(&self, cookie: u64) -> Result<()> {
        let mut raw = sys::mbox_notified { cookie, ..Default::default() };
        // SAFETY: the argument lasts for the call.
        check(unsafe { sys::mbox_notify(self.raw(), sys::MBOX_NOTIFY_ARM, &mut raw) }).map(drop)
    }

    /// Give up the registration of this process.
    pub fn unnotify(&self) -> Result<()> {
        // SAFETY: no memory is passed.
        check(unsafe {
            sys::mbox_notify(self.raw(), sys::MBOX_NOTIFY_DISARM, ptr::null_mut())
        })
        .map(drop)
    }

    /// Take the notice: its cookie, and the sender of the message.
    pub fn notified(&self) -> Result<sys::mbox_notified> {
        let mut raw = sys::mbox_notified::default();
        // SAFETY: the structure is written.
        check(unsafe { sys::mbox_notify(self.raw(), sys::MBOX_NOTIFY_TAKE, &mut raw) })?;
        Ok(raw)
    }

    /// Give up rights of the handle for good, and end the calls that need them.
    pub fn shutdown(&self, rights: Rights) -> Result<()> {
        // SAFETY: no memory is passed.
        check(unsafe { sys::mbox_shutdown(self.raw(), rights.bits()) }).map(drop)
    }

    /// Make a process the owner; 0 is the operating system. Flags: HANDOVER_*.
    pub fn handover(&self, pid: u32, flags: u32) -> Result<()> {
        // SAFETY: no memory is passed.
        check(unsafe { sys::mbox_handover(self.raw(), pid as c_int, flags) }).map(drop)
    }

    /// Make the sender of a message the owner.
    pub fn handover_sender(&self, header: &Header, flags: u32) -> Result<()> {
        // SAFETY: the header lasts for the call.
        check(unsafe { sys::mbox_handover_sender(self.raw(), header, flags) }).map(drop)
    }

    /// Delete the mailbox; the handle stays.
    pub fn delete(&self, how: Delete) -> Result<Deleted> {
        let mut deleted = sys::mbox_deleted::default();
        // SAFETY: as above.
        check(unsafe { sys::mbox_delete_handle(self.raw(), how as u32, &mut deleted) })?;
        Ok(deleted.into())
    }
}

impl AsRawFd for Mailbox {
    fn as_raw_fd(&self) -> RawFd {
        // SAFETY: the handle is valid.
        unsafe { sys::mbox_fd(self.raw()) }
    }
}

impl AsFd for Mailbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the handle keeps it open for as long as it is borrowed.
        unsafe { BorrowedFd::borrow_raw(self.as_raw_fd()) }
    }
}

/// An iterator that receives.
pub struct Messages<'a>(&'a Mailbox);

impl Iterator for Messages<'_> {
    type Item = Result<Message>;

    fn next(&mut self) -> Option<Result<Message>> {
        match self.0.recv() {
            Err(error) if error.is_end() => None,
            result => Some(result),
        }
    }
}
