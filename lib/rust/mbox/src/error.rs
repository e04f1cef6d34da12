// SPDX-License-Identifier: LGPL-2.1-or-later
//! Errors: an errno value, with the words of mbox.
use std::ffi::CStr;
use std::fmt;
use std::os::raw::{c_char, c_int};

#[cfg(any(target_arch = "mips", target_arch = "mips64", target_arch = "sparc64"))]
compile_error!("error.rs has the error numbers of other architectures");

/// The result of a call.
pub type Result<T> = std::result::Result<T, Error>;

/// A call that failed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Error {
    errno: c_int,
    length: u64,
    code: u32,
}

/// The kinds of errors that programs deal with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// It would have to wait, and may not (EAGAIN).
    WouldBlock,
    /// The time is up; nothing was sent or received (ETIMEDOUT).
    TimedOut,
    /// A signal came first; nothing was sent or received (EINTR).
    Interrupted,
    /// The mailbox was deleted (EIDRM).
    Gone,
    /// The owner, the peer or the other side has ended (EOWNERDEAD).
    OwnerDied,
    /// Nobody is left to send, or to receive, and nobody can come (EPIPE).
    NobodyLeft,
    /// The handle gave up the right that the call needs (ESHUTDOWN).
    ShutDown,
    /// The message is longer than the mailbox takes or the buffer holds (EMSGSIZE).
    TooLong,
    /// The deletion would lose messages (ENOTEMPTY).
    NotEmpty,
    /// There is no mailbox of that name (ENOENT).
    NotFound,
    /// The name is taken (EEXIST).
    AlreadyExists,
    /// The mode of the mailbox, or its owner, does not allow this (EACCES, EPERM).
    PermissionDenied,
    /// The handle does not have the right that the call needs (EBADF).
    NoRight,
    /// The user's quota of mailboxes or bytes is used up (EDQUOT).
    Quota,
    /// The call would wait for a process that waits for this one (EDEADLK).
    Deadlock,
    /// Too many processes take part; or the handle serves another process (EUSERS).
    TooMany,
    /// Another process is in a receive, or has the side of the ring (EBUSY).
    Busy,
    /// The kernel module is not loaded (ENODEV).
    NotLoaded,
    /// A name, flag or value that the call does not take (EINVAL).
    Invalid,
    /// The mailbox is of another kind (EOPNOTSUPP).
    Unsupported,
    /// The lease is over: acknowledged, given to somebody else, withdrawn or dropped (ESTALE,
    /// ECANCELED).
    Stale,
    /// The server rejected the call (EREMOTEIO).
    Rejected,
    /// The receiver took the request of a call without a lease, and cannot reply (EPROTO).
    NoReply,
    /// Any other error.
    Other,
}

/// The numbers of Linux, but for the architectures above.
pub(crate) const EINVAL: c_int = 22;
pub(crate) const EMSGSIZE: c_int = 90;
pub(crate) const EOPNOTSUPP: c_int = 95;
pub(crate) const EREMOTEIO: c_int = 121;

impl Error {
    pub(crate) fn new(errno: c_int) -> Error {
        Error { errno, length: 0, code: 0 }
    }

    pub(crate) fn too_long(length: u64) -> Error {
        Error { errno: EMSGSIZE, length, code: 0 }
    }

    pub(crate) fn rejected(code: u32) -> Error {
        Error { errno: EREMOTEIO, length: 0, code }
    }

    /// The errno value.
    pub fn errno(&self) -> i32 {
        self.errno
    }

    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self.errno {
            1 | 13 => ErrorKind::PermissionDenied,
            2 => ErrorKind::NotFound,
            4 => ErrorKind::Interrupted,
            9 => ErrorKind::NoRight,
            11 => ErrorKind::WouldBlock,
            16 => ErrorKind::Busy,
            17 => ErrorKind::AlreadyExists,
            19 => ErrorKind::NotLoaded,
            EINVAL => ErrorKind::Invalid,
            32 => ErrorKind::NobodyLeft,
            35 => ErrorKind::Deadlock,
            39 => ErrorKind::NotEmpty,
            43 => ErrorKind::Gone,
            87 => ErrorKind::TooMany,
            EMSGSIZE => ErrorKind::TooLong,
            71 => ErrorKind::NoReply,
            EOPNOTSUPP => ErrorKind::Unsupported,
            108 => ErrorKind::ShutDown,
            110 => ErrorKind::TimedOut,
            116 | 125 => ErrorKind::Stale,
            EREMOTEIO => ErrorKind::Rejected,
            122 => ErrorKind::Quota,
            130 => ErrorKind::OwnerDied,
            _ => ErrorKind::Other,
        }
    }

    /// Of a receive that is [`ErrorKind::TooLong`]: the length of the message, which stays queued.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Of a call that is [`ErrorKind::Rejected`]: the number of the server.
    pub fn code(&self) -> u32 {
        self.code
    }

    /// True for the errors after which no message can come any more.
    pub fn is_end(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Gone | ErrorKind::OwnerDied | ErrorKind::NobodyLeft | ErrorKind::ShutDown
        )
    }
}

/// Turn the result of a function of the library into a result.
pub(crate) fn check(ret: c_int) -> Result<u32> {
    if ret < 0 {
        Err(Error::new(-ret))
    } else {
        Ok(ret as u32)
    }
}

/// Static text of the library.
///
/// # Safety
/// `text` is a string of C that lasts.
pub(crate) unsafe fn text(text: *const c_char) -> &'static str {
    CStr::from_ptr(text).to_str().unwrap_or("")
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: static text for any number.
        f.write_str(unsafe { text(mbox_sys::mbox_strerror(self.errno)) })
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({}): {}", self.kind(), self.errno, self)
    }
}

impl std::error::Error for Error {}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        std::io::Error::from_raw_os_error(error.errno)
    }
}
