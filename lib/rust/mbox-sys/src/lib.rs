// SPDX-License-Identifier: LGPL-2.1-or-later
//! Declarations of libmbox.so.1, as in `mbox.h` and `<linux/mbox.h>`: see their manual
//! pages, beginning with libmbox(7). The crate `mbox` has a safe interface.
//!
//! The declarations are committed, so that building takes no libclang. `make rust-check`
//! compares each constant, each structure and each function with the C headers.
#![allow(non_camel_case_types)]

use std::os::raw::{c_char, c_int, c_uint, c_void};

pub const MBOX_ABI_VERSION: u32 = 1;
pub const MBOX_NAME_SIZE: u32 = 64;
pub const MBOX_LABEL_MAX: u32 = 255;
pub const MBOX_LABEL_SIZE: u32 = 256;

pub const MBOX_SPACE_NONE: u32 = 0; // no front end: the mailbox has a name, or none
pub const MBOX_SPACE_MQ: u32 = 1; // mq_overview(7): the name without its first '/'
pub const MBOX_SPACE_SYSV: u32 = 2; // sysvipc(7): the key in 8 hexadecimal digits
pub const MBOX_SPACE_MAX: u32 = 2; // the highest that this header has

pub const MBOX_PRIO_MAX: u32 = 32767;

pub const MBOX_CAPACITY_ZERO: u32 = 0;
pub const MBOX_CAPACITY_MAX: u32 = 1048576;
pub const MBOX_CAPACITY_UNBOUNDED: u32 = 0xffffffff;

pub const MBOX_MSG_SIZE_DEFAULT: u32 = 8192;
pub const MBOX_SMALL_SIZE: u32 = 256;
pub const MBOX_SMALL_CHARGE: u32 = 384;
pub const MBOX_LARGE_CHARGE: u32 = 128;
pub const MBOX_LARGE_ROUND: u32 = 4194304;

pub const MBOX_RIGHT_RECV: u32 = 1;
pub const MBOX_RIGHT_SEND: u32 = 2;

pub const MBOX_LIFETIME_OS: u32 = 0; // until deleted
pub const MBOX_LIFETIME_PROCESS: u32 = 1; // until its owner, a process, ends
pub const MBOX_LIFETIME_FD: u32 = 2; // until its last handle is closed

pub const MBOX_POLICY_FIFO: u32 = 0; // the receiver that has waited longest
pub const MBOX_POLICY_LIFO: u32 = 1; // the receiver that has waited shortest
pub const MBOX_POLICY_RR: u32 = 2; // the process that was served least recently
pub const MBOX_POLICY_PRIO: u32 = 3; // by scheduling priority, then FIFO
pub const MBOX_POLICY_BROADCAST: u32 = 4; // each handle that is open for receiving
pub const MBOX_POLICY_MAX: u32 = 4; // the highest that this header has

pub const MBOX_OPTION_EXCLUSIVE: u32 = 1; // one process in receive at a time
pub const MBOX_OPTION_OVERFLOW: u32 = 2; // BROADCAST: slow handles lose messages
pub const MBOX_OPTION_GROW: u32 = 4; // ring: memory only while it is used
pub const MBOX_OPTION_TRACK: u32 = 8; // GET tells the last sender and receiver

pub const MBOX_WAITERS_MAX: u32 = 512;
pub const MBOX_PROCS_MAX: u32 = 4096;
pub const MBOX_CYCLE_MAX: u32 = 64;
pub const MBOX_RECEIVERS_MAX: u32 = 4096;

pub const MBOX_RING_MIN: u32 = 4096;
pub const MBOX_RING_MAX: u32 = 1 << 30;

pub const MBOX_CLOCK_NONE: u32 = 0; // no deadline; the field has to be 0
pub const MBOX_CLOCK_MONOTONIC: u32 = 1; // CLOCK_MONOTONIC
pub const MBOX_CLOCK_BOOTTIME: u32 = 2; // CLOCK_BOOTTIME: counts suspend too
pub const MBOX_CLOCK_REALTIME: u32 = 3; // CLOCK_REALTIME: follows the clock set

pub const MBOX_DELETE_EMPTY: u32 = 0; // only if no message is queued, else ENOTEMPTY
pub const MBOX_DELETE_DRAIN: u32 = 1; // sends fail; gone once it is empty
pub const MBOX_DELETE_FORCE: u32 = 2; // gone now, queued messages are dropped
pub const MBOX_DELETE_UNLINK: u32 = 3; // name goes; gone when the last handle is closed

pub const MBOX_SEND_NONBLOCK: u32 = 1; // EAGAIN instead of blocking
pub const MBOX_SEND_SYNC: u32 = 2; // return when the message was received
pub const MBOX_SEND_NORESTART: u32 = 4; // EINTR after a handler, with SA_RESTART too

pub const MBOX_RECV_NONBLOCK: u32 = 1; // EAGAIN instead of blocking
pub const MBOX_RECV_PEEK: u32 = 2; // leave the message queued
pub const MBOX_RECV_BY_TYPE: u32 = 4; // only messages of type @type
pub const MBOX_RECV_BY_SENDER: u32 = 8; // only messages sent by process @pid
pub const MBOX_RECV_BY_START: u32 = 16; // and only if it started at @header.start
pub const MBOX_RECV_NOT_TYPE: u32 = 32; // only messages of other types than @type
pub const MBOX_RECV_MAX_TYPE: u32 = 64; // of types up to @type, those of the lowest
pub const MBOX_RECV_TRUNC: u32 = 128; // cut a message that is too long for the buffer
pub const MBOX_RECV_AT: u32 = 512; // with PEEK: the message at a position
pub const MBOX_RECV_NORESTART: u32 = 1024; // EINTR after a handler, with SA_RESTART too
pub const MBOX_RECV_LONGEST: u32 = 2048; // EMSGSIZE unless the longest message would fit
pub const MBOX_MODE_HEADER: u32 = 256; // read() yields the header, too

pub const MBOX_BATCH_MAX: u32 = 1024;


pub const MBOX_DELIVERY_CALL: u32 = 1; // a request: a reply is expected
pub const MBOX_DELIVERY_AGAIN: u32 = 2; // it was given out before

pub const MBOX_REASON_NONE: u32 = 0; // it did not
pub const MBOX_REASON_DELIVERIES: u32 = 1; // it was given out max_deliveries times
pub const MBOX_REASON_REJECTED: u32 = 2; // a holder rejected it
pub const MBOX_REASON_EXPIRED: u32 = 3; // its time was over before it was received

pub const MBOX_LEASE_HANDLE: u32 = 1; // the lease is the open file's, not the process'

pub const MBOX_NACK_RELEASE: u32 = 0; // as if it had not been given out: not counted
pub const MBOX_NACK_RETRY: u32 = 1; // it failed: try again, after a delay
pub const MBOX_NACK_REJECT: u32 = 2; // never again, for the reason in a code

pub const MBOX_POST_MARK: u32 = 1;
pub const MBOX_POST_NOT_BEFORE: u32 = 2;
pub const MBOX_POST_EXPIRES: u32 = 4;
pub const MBOX_POST_ACKED: u32 = 8; // wait until it is acknowledged

pub const MBOX_CALL_RETRY: u32 = 1; // another server, if the first one ends

pub const MBOX_NOTIFY_ARM: u32 = 0; // register for a notice
pub const MBOX_NOTIFY_DISARM: u32 = 1; // the caller's process gives it up
pub const MBOX_NOTIFY_TAKE: u32 = 2; // take the notice that came

pub const MBOX_STATE_LIVE: u32 = 0; // not deleted
pub const MBOX_STATE_UNLINKED: u32 = 1; // deleted with UNLINK, handles are open
pub const MBOX_STATE_DRAINING: u32 = 2; // deleted with DRAIN, messages are queued
pub const MBOX_STATE_DEAD: u32 = 3; // gone, only its handles are left

pub const MBOX_KIND_MAILBOX: u32 = 0; // a mailbox with a queue
pub const MBOX_KIND_RING: u32 = 1; // a ring in shared memory
pub const MBOX_KIND_INBOX: u32 = 2; // a handle on an inbox
pub const MBOX_KIND_LINK: u32 = 3; // a handle on a link

pub const MBOX_SET_MODE: u32 = 1;
pub const MBOX_SET_UID: u32 = 2;
pub const MBOX_SET_GID: u32 = 4;
pub const MBOX_SET_CAPACITY: u32 = 8;
pub const MBOX_SET_MSG_SIZE: u32 = 16;
pub const MBOX_SET_BYTES: u32 = 32;

pub const MBOX_HANDOVER_RECV: u32 = 1; // with the right to receive
pub const MBOX_HANDOVER_HEIR: u32 = 2; // when the owner ends, not now

pub const MBOX_NO_TIMEOUT: i64 = -1;

/// A handle.
#[repr(C)]
pub struct mbox {
    _private: [u8; 0],
}

/// Attributes of a new mailbox.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct mbox_attr {
    pub mode: u32,
    pub lifetime: u32,
    pub capacity: u32,
    pub msg_size: u32,
    pub bytes: u64,
    pub policy: u32,
    pub max_procs: u32,
    pub options: u32,
    pub ring: u64,
    pub dead_letter: u64,
    pub max_deliveries: u32,
}

/// The result of a deletion.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct mbox_deleted {
    pub queued: u64,
    pub dropped: u64,
}

/// How to send; all zero is the usual send.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct mbox_send_opts {
    pub flags: u32,
    pub prio: u32,
    pub type_: u32,
    pub clock: u32,
    pub deadline: i64,
    pub type_hi: u32,
    pub reserved: u32,
}

/// How to receive; all zero is the usual receive.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct mbox_recv_opts {
    pub flags: u32,
    pub type_: u32,
    pub pid: u32,
    pub min_prio: u32,
    pub clock: u32,
    pub type_hi: u32,
    pub deadline: i64,
    pub start: u64,
    pub index: u64,
}

/// The header of a message.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct mbox_header {
    pub length: u64,
    pub seq: u64,
    pub time: u64,
    pub prio: u32,
    pub type_: u32,
    pub pid: u32,
    pub uid: u32,
    pub gid: u32,
    pub type_hi: u32,
    pub start: u64,
}

impl mbox_header {
    /// The type, all 64 bits of it, as mbox_header_type() of C.
    pub fn full_type(&self) -> u64 {
        u64::from(self.type_hi) << 32 | u64::from(self.type_)
    }
}

/// A message of MBOX_IOC_SENDV.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct mbox_send_entry {
    pub flags: u32,
    pub prio: u32,
    pub type_: u32,
    pub type_hi: u32,
    pub data: u64,
    pub size: u64,
}

/// A buffer of MBOX_IOC_RECVV.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct mbox_recv_entry {
    pub flags: u32,
    pub pad: u32,
    pub data: u64,
    pub size: u64,
    pub header: mbox_header,
}

/// The result of a receive with a lease, beside the header.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct mbox_delivery {
    pub token: u64,
    pub flags: u32,
    pub deliveries: u32,
    pub reason: u32,
    pub code: u32,
    pub room: u64,
    pub left: i64,
    pub origin: u64,
    pub origin_seq: u64,
    pub origin_deliveries: u32,
    pub pad: u32,
}

/// A token of MBOX_IOC_ACK.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct mbox_ack_entry {
    pub token: u64,
    pub result: i32,
    pub pad: u32,
}

/// How to receive with a lease.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct mbox_lease_opts {
    pub recv: *const mbox_recv_opts,
    pub flags: u32,
    pub clock: u32,
    pub time: u64,
    pub ack: u64,
}

/// How to post.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct mbox_post_opts {
    pub send: *const mbox_send_opts,
    pub flags: u32,
    pub clock: u32,
    pub mark: u64,
    pub not_before: i64,
    pub expires: i64,
}

/// How to call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct mbox_call_opts {
    pub send: *const mbox_send_opts,
    pub flags: u32,
}

/// The end of a call, beside the reply.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct mbox_called {
    pub pid: u32,
    pub code: u32,
    pub start: u64,
}

/// Argument of MBOX_IOC_GET.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct mbox_info {
    pub flags: u32,
    pub state: u32,
    pub name: [c_char; 64],
    pub id: u64,
    pub uid: u32,
    pub gid: u32,
    pub mode: u32,
    pub lifetime: u32,
    pub capacity: u32,
    pub msg_size: u32,
    pub bytes: u64,
    pub rights: u32,
    pub handles: u32,
    pub senders: u32,
    pub receivers: u32,
    pub queued: u64,
    pub queued_bytes: u64,
    pub sent: u64,
    pub received: u64,
    pub withdrawn: u64,
    pub dropped: u64,
    pub created: u64,
    pub kind: u32,
    pub policy: u32,
    pub options: u32,
    pub max_procs: u32,
    pub procs: u32,
    pub owner: u32,
    pub heir: u32,
    pub peer: u32,
    pub ring: u64,
    pub lost: u64,
    pub handle_received: u64,
    pub handle_lost: u64,
    pub handle_queued: u64,
    pub creator: u32,
    pub handle_mode: u32,
    pub spin_hits: u64,
    pub spin_misses: u64,
    pub leased: u32,
    pub delayed: u32,
    pub parked: u32,
    pub max_deliveries: u32,
    pub redelivered: u64,
    pub dead: u64,
    pub dead_letter: u64,
    pub mark: u64,
    pub space: u32,
    pub pad: u32,
    pub label: [c_char; 256],
    pub last_sender: u32,
    pub last_receiver: u32,
    pub last_sent: u64,
    pub last_received: u64,
    pub changed: u64,
    pub cuid: u32,
    pub cgid: u32,
}

/// A notice that a message came to an empty mailbox.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct mbox_notified {
    pub cookie: u64,
    pub pid: u32,
    pub uid: u32,
}

/// Argument of MBOX_IOC_SET.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct mbox_ioc_set {
    pub flags: u32,
    pub mask: u32,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub capacity: u32,
    pub msg_size: u32,
    pub pad: u32,
    pub bytes: u64,
}

extern "C" {
    pub fn mbox_create(
        mbp: *mut *mut mbox,
        name: *const c_char,
        rights: c_uint,
        attr: *const mbox_attr,
    ) -> c_int;
    pub fn mbox_open(mbp: *mut *mut mbox, name: *const c_char, rights: c_uint) -> c_int;
    pub fn mbox_open_or_create(
        mbp: *mut *mut mbox,
        name: *const c_char,
        rights: c_uint,
        attr: *const mbox_attr,
    ) -> c_int;
    pub fn mbox_open_label(
        mbp: *mut *mut mbox,
        space: c_uint,
        label: *const c_void,
        size: usize,
        rights: c_uint,
        flags: c_uint,
        attr: *const mbox_attr,
    ) -> c_int;
    pub fn mbox_open_id(
        mbp: *mut *mut mbox,
        space: c_uint,
        id: u64,
        rights: c_uint,
        flags: c_uint,
    ) -> c_int;
    pub fn mbox_next_id(space: c_uint, id: *mut u64) -> c_int;
    pub fn mbox_from_fd(mbp: *mut *mut mbox, fd: c_int) -> c_int;
    pub fn mbox_fd(mb: *const mbox) -> c_int;
    pub fn mbox_close(mb: *mut mbox);
    pub fn mbox_delete(name: *const c_char, how: c_uint, res: *mut mbox_deleted) -> c_int;
    pub fn mbox_delete_handle(mb: *mut mbox, how: c_uint, res: *mut mbox_deleted) -> c_int;

    pub fn mbox_send(
        mb: *mut mbox,
        data: *const c_void,
        size: usize,
        opts: *const mbox_send_opts,
    ) -> c_int;
    pub fn mbox_send_timeout(
        mb: *mut mbox,
        data: *const c_void,
        size: usize,
        timeout_ns: i64,
    ) -> c_int;
    pub fn mbox_send_string(mb: *mut mbox, s: *const c_char) -> c_int;
    pub fn mbox_recv(
        mb: *mut mbox,
        buf: *mut c_void,
        size: usize,
        opts: *const mbox_recv_opts,
        hdr: *mut mbox_header,
    ) -> isize;
    pub fn mbox_recv_timeout(
        mb: *mut mbox,
        buf: *mut c_void,
        size: usize,
        timeout_ns: i64,
    ) -> isize;
    pub fn mbox_recv_string(mb: *mut mbox, buf: *mut c_char, size: usize) -> isize;
    pub fn mbox_recv_alloc(
        mb: *mut mbox,
        datap: *mut *mut c_void,
        opts: *const mbox_recv_opts,
        hdr: *mut mbox_header,
    ) -> isize;
    pub fn mbox_sendv(
        mb: *mut mbox,
        entries: *const mbox_send_entry,
        count: c_uint,
        opts: *const mbox_send_opts,
    ) -> c_int;
    pub fn mbox_recvv(
        mb: *mut mbox,
        entries: *mut mbox_recv_entry,
        count: c_uint,
        min: c_uint,
        opts: *const mbox_recv_opts,
    ) -> c_int;

    pub fn mbox_mode(
        mb: *mut mbox,
        flags: c_uint,
        filter: *const mbox_recv_opts,
    ) -> c_int;

    pub fn mbox_lease(
        mb: *mut mbox,
        buf: *mut c_void,
        size: usize,
        opts: *mut mbox_lease_opts,
        hdr: *mut mbox_header,
        delivery: *mut mbox_delivery,
    ) -> isize;
    pub fn mbox_ack(mb: *mut mbox, token: u64) -> c_int;
    pub fn mbox_ackv(mb: *mut mbox, entries: *mut mbox_ack_entry, count: c_uint) -> c_int;
    pub fn mbox_nack(
        mb: *mut mbox,
        token: u64,
        how: c_uint,
        delay_ns: u64,
        code: u32,
    ) -> c_int;
    pub fn mbox_extend(mb: *mut mbox, token: u64, opts: *const mbox_lease_opts) -> c_int;
    pub fn mbox_notify(mb: *mut mbox, how: c_uint, notified: *mut mbox_notified) -> c_int;
    pub fn mbox_kick(mb: *mut mbox, most: c_uint) -> c_int;
    pub fn mbox_post(
        mb: *mut mbox,
        data: *const c_void,
        size: usize,
        opts: *const mbox_post_opts,
    ) -> c_int;
    pub fn mbox_call(
        mb: *mut mbox,
        data: *const c_void,
        size: usize,
        reply: *mut c_void,
        room: usize,
        opts: *const mbox_call_opts,
        called: *mut mbox_called,
    ) -> isize;
    pub fn mbox_call_timeout(
        mb: *mut mbox,
        data: *const c_void,
        size: usize,
        reply: *mut c_void,
        room: usize,
        timeout_ns: i64,
    ) -> isize;
    pub fn mbox_reply(mb: *mut mbox, token: u64, data: *const c_void, size: usize) -> c_int;
    pub fn mbox_reply_recv(
        mb: *mut mbox,
        data: *const c_void,
        data_size: usize,
        buf: *mut c_void,
        size: usize,
        opts: *mut mbox_lease_opts,
        hdr: *mut mbox_header,
        delivery: *mut mbox_delivery,
    ) -> isize;

    pub fn mbox_ring_reserve(
        mb: *mut mbox,
        size: usize,
        datap: *mut *mut c_void,
        opts: *const mbox_send_opts,
    ) -> c_int;
    pub fn mbox_ring_commit(mb: *mut mbox, size: usize) -> c_int;
    pub fn mbox_ring_peek(
        mb: *mut mbox,
        datap: *mut *const c_void,
        opts: *const mbox_recv_opts,
        hdr: *mut mbox_header,
    ) -> isize;
    pub fn mbox_ring_release(mb: *mut mbox) -> c_int;

    pub fn mbox_deadline_after(timeout_ns: i64, clock: u32, deadline: *mut i64) -> c_int;
    pub fn mbox_get(mb: *mut mbox, info: *mut mbox_info) -> c_int;
    pub fn mbox_set(mb: *mut mbox, set: *const mbox_ioc_set) -> c_int;
    pub fn mbox_chmod(mb: *mut mbox, mode: c_uint) -> c_int;
    pub fn mbox_chown(mb: *mut mbox, uid: u32, gid: u32) -> c_int;
    pub fn mbox_shutdown(mb: *mut mbox, rights: c_uint) -> c_int;

    pub fn mbox_handover(mb: *mut mbox, pid: c_int, flags: c_uint) -> c_int;
    pub fn mbox_handover_sender(
        mb: *mut mbox,
        hdr: *const mbox_header,
        flags: c_uint,
    ) -> c_int;
    pub fn mbox_handover_pidfd(mb: *mut mbox, pidfd: c_int, flags: c_uint) -> c_int;
    pub fn mbox_link(mbp: *mut *mut mbox, pid: c_int, capacity: u32, msg_size: u32) -> c_int;
    pub fn mbox_link_sender(
        mbp: *mut *mut mbox,
        hdr: *const mbox_header,
        capacity: u32,
        msg_size: u32,
    ) -> c_int;
    pub fn mbox_link_pidfd(
        mbp: *mut *mut mbox,
        pidfd: c_int,
        capacity: u32,
        msg_size: u32,
    ) -> c_int;
    pub fn mbox_inbox(mbp: *mut *mut mbox) -> c_int;

    pub fn mbox_strerror(error: c_int) -> *const c_char;
    pub fn mbox_version() -> *const c_char;
    pub fn mbox_has_call(mb: *const mbox, request: std::os::raw::c_ulong) -> c_int;
}
