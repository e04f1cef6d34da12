// SPDX-License-Identifier: GPL-2.0-only
//! Tests that take a kernel with the module.
use mbox::*;
use std::os::unix::io::{AsFd, AsRawFd, OwnedFd};
use std::process;
use std::thread;
use std::time::{Duration, Instant};

fn name(what: &str) -> String {
    format!("rust.{}.{}", process::id(), what)
}

fn small() -> Create {
    Create::new().capacity(4).lifetime(Lifetime::Handle)
}

fn kind<T>(result: Result<T>) -> ErrorKind {
    result.err().expect("an error").kind()
}

#[test]
fn round_trip() {
    let mailbox = small().anonymous(Rights::BOTH).unwrap();
    let opts = SendOptions { prio: 7, type_: 9, ..Default::default() };
    assert_eq!(mailbox.send_with(b"a\0b", &opts), Ok(0));
    let message = mailbox.recv().unwrap();
    assert_eq!(message.data, b"a\0b");
    assert_eq!((message.header.prio, message.header.type_, message.header.seq), (7, 9, 1));
    assert_eq!(message.header.pid, process::id());
    mailbox.send(b"").unwrap();
    assert_eq!(mailbox.try_recv().unwrap().data, b"");
    assert_eq!(kind(mailbox.try_recv()), ErrorKind::WouldBlock);
}

#[test]
fn names_and_rights() {
    let name = name("names");
    assert_eq!(kind(Mailbox::open(&name, Rights::RECV)), ErrorKind::NotFound);
    let mailbox = small().create(&name, Rights::RECV).unwrap();
    assert_eq!(kind(small().create(&name, Rights::RECV)), ErrorKind::AlreadyExists);
    assert_eq!(kind(Mailbox::open("a\0b", Rights::RECV)), ErrorKind::Invalid);
    assert_eq!(kind(Mailbox::open(".dot", Rights::RECV)), ErrorKind::Invalid);
    assert_eq!(kind(mailbox.send(b"x")), ErrorKind::NoRight);
    let other = Create::new().open_or_create(&name, Rights::SEND).unwrap();
    other.send(b"x").unwrap();
    let info = mailbox.info().unwrap();
    assert_eq!((info.name(), info.capacity, info.handles, info.queued), (&*name, 4, 2, 1));
}

#[test]
fn waiting() {
    let mailbox = small().anonymous(Rights::BOTH).unwrap();
    let start = Instant::now();
    assert_eq!(kind(mailbox.recv_timeout(Duration::from_millis(50))), ErrorKind::TimedOut);
    assert!(start.elapsed() >= Duration::from_millis(50));
    let wait = Wait::Until(Deadline::after(Duration::from_millis(50)));
    let filter = Filter { wait, ..Default::default() };
    for _ in 0..2 {
        assert_eq!(kind(mailbox.recv_with(&filter)), ErrorKind::TimedOut);
    }
    for _ in 0..4 {
        mailbox.send(b"x").unwrap();
    }
    assert_eq!(kind(mailbox.send_timeout(b"x", Duration::ZERO)), ErrorKind::WouldBlock);
    assert_eq!(kind(mailbox.send_timeout(b"x", Duration::from_millis(1))), ErrorKind::TimedOut);
    assert_eq!(mailbox.recv_timeout(Duration::MAX).unwrap().data, b"x");
}

#[test]
fn filters() {
    let mailbox = small().anonymous(Rights::BOTH).unwrap();
    for (data, type_, prio) in [(b"a", 1, 0), (b"b", 2, 5), (b"c", 3, 1)] {
        mailbox.send_with(data, &SendOptions { type_, prio, ..Default::default() }).unwrap();
    }
    let peek = Filter { peek: true, ..Default::default() };
    let first = mailbox.recv_with(&peek).unwrap();
    assert_eq!(first.data, b"b");
    let at = |index| Filter { at: Some(index), ..Default::default() };
    assert_eq!(mailbox.recv_with(&at(2)).unwrap().data, b"a");
    assert_eq!(kind(mailbox.recv_with(&at(3))), ErrorKind::WouldBlock);
    assert_eq!(mailbox.recv_with(&Filter { type_: Some(1), ..Default::default() }).unwrap().data, b"a");
    assert_eq!(mailbox.recv_with(&Filter { min_prio: 2, ..Default::default() }).unwrap().data, b"b");
    let own = Filter { sender: Some(first.header), wait: Wait::Never, ..Default::default() };
    assert_eq!(mailbox.recv_with(&own).unwrap().data, b"c");
    assert_eq!(kind(mailbox.recv_with(&own)), ErrorKind::WouldBlock);
}

#[test]
fn types() {
    const HIGH: u64 = 1 << 32;
    let mailbox = small().anonymous(Rights::BOTH).unwrap();
    let of = |type_| SendOptions { type_, ..Default::default() };
    mailbox.send_with(b"high", &of(HIGH | 7)).unwrap();
    mailbox.send_with(b"low", &of(7)).unwrap();
    assert_eq!(mailbox.send_many(&[b"top"], &of(u64::MAX)), Ok(1));
    let now = Filter { wait: Wait::Never, ..Default::default() };
    let other = mailbox.recv_with(&Filter { not_type: Some(HIGH | 7), peek: true, ..now }).unwrap();
    assert_eq!((other.data.as_slice(), other.type_()), (b"low".as_slice(), 7));
    let lowest = Filter { max_type: Some(HIGH | 7), ..now };
    assert_eq!(mailbox.recv_with(&lowest).unwrap().data, b"low");
    assert_eq!(mailbox.recv_with(&lowest).unwrap().type_(), HIGH | 7);
    assert_eq!(kind(mailbox.recv_with(&lowest)), ErrorKind::WouldBlock);
    assert_eq!(kind(mailbox.recv_with(&Filter { type_: Some(u32::MAX.into()), ..now })), ErrorKind::WouldBlock);
    assert_eq!(mailbox.recv_with(&Filter { type_: Some(u64::MAX), ..now }).unwrap().data, b"top");
    assert_eq!(kind(mailbox.recv_with(&Filter { not_type: Some(1), ..lowest })), ErrorKind::Invalid);
}

#[test]
fn mode_of_a_handle() {
    let mailbox = small().anonymous(Rights::BOTH).unwrap();
    mailbox.mode(false, &Filter { type_: Some(2), ..Default::default() }).unwrap();
    mailbox.send(b"one").unwrap();
    assert_eq!(kind(mailbox.try_recv()), ErrorKind::WouldBlock);
    mailbox.send_with(b"two", &SendOptions { type_: 2, ..Default::default() }).unwrap();
    assert_eq!(mailbox.recv().unwrap().data, b"two");
    mailbox.mode(false, &Filter::default()).unwrap();
    assert_eq!(mailbox.recv().unwrap().data, b"one");
}

#[test]
fn long() {
    let mailbox = small().msg_size(1 << 20).anonymous(Rights::BOTH).unwrap();
    let data: Vec<u8> = (0..1 << 20).map(|i| (i * 7) as u8).collect();
    mailbox.send(&data).unwrap();
    let mut buf = [0; 10];
    let error = mailbox.recv_into(&mut buf, &Filter::default()).unwrap_err();
    assert_eq!((error.kind(), error.length()), (ErrorKind::TooLong, 1 << 20));
    assert_eq!(mailbox.recv().unwrap().data, data);
    mailbox.send(b"0123456789 and more").unwrap();
    let cut = Filter { trunc: true, ..Default::default() };
    assert_eq!(mailbox.recv_into(&mut buf, &cut).unwrap().length, 19);
    assert_eq!(&buf, b"0123456789");
    mailbox.send(b"short").unwrap();
    assert_eq!(mailbox.recv_into(&mut buf, &Filter::default()).unwrap().length, 5);
    assert_eq!(&buf[..5], b"short");
}

#[test]
fn many() {
    let mailbox = small().anonymous(Rights::BOTH).unwrap();
    let now = SendOptions { wait: Wait::Never, type_: 3, ..Default::default() };
    let messages: [&[u8]; 5] = [b"0", b"1", b"2", b"3", b"4"];
    assert_eq!(mailbox.send_many(&messages, &now), Ok(4));
    let got = mailbox.recv_many(10, 1, 16, &Filter::default()).unwrap();
    let data: Vec<_> = got.iter().map(|message| message.data[0]).collect();
    assert_eq!((data, got[0].header.type_), (b"0123".to_vec(), 3));
    mailbox.send(b"longer than four").unwrap();
    let error = mailbox.recv_many(2, 1, 4, &Filter::default()).unwrap_err();
    assert_eq!((error.kind(), error.length()), (ErrorKind::TooLong, 16));
    assert_eq!(kind(mailbox.recv_many(0, 0, 4, &Filter::default())), ErrorKind::Invalid);
}

#[test]
fn threads_share_a_handle() {
    let mailbox = small().anonymous(Rights::BOTH).unwrap();
    let total: u64 = thread::scope(|scope| {
        let workers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let numbers = mailbox.messages().map(|message| message.unwrap().data[0] as u64);
                    numbers.sum::<u64>()
                })
            })
            .collect();
        for i in 0..100u8 {
            mailbox.send(&[i]).unwrap();
        }
        while mailbox.info().unwrap().queued != 0 {
            thread::yield_now();
        }
        mailbox.shutdown(Rights::RECV).unwrap();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(total, 4950);
}

#[test]
fn sync_send_names_the_receiver() {
    let mailbox = small().anonymous(Rights::BOTH).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| assert_eq!(mailbox.recv().unwrap().data, b"x"));
        let sync = SendOptions { sync: true, ..Default::default() };
        assert_eq!(mailbox.send_with(b"x", &sync), Ok(process::id()));
    });
}

#[test]
fn descriptors() {
    let mailbox = small().anonymous(Rights::BOTH).unwrap();
    let copy = mailbox.as_fd().try_clone_to_owned().unwrap();
    let number = copy.as_raw_fd();
    let same = Mailbox::from_fd(copy).unwrap();
    assert_eq!(same.as_raw_fd(), number);
    assert_eq!(same.info().unwrap().id, mailbox.info().unwrap().id);
    drop(same);
    // SAFETY: only asks whether it is open.
    let gone = unsafe { std::os::unix::io::BorrowedFd::borrow_raw(number) };
    assert!(gone.try_clone_to_owned().is_err());
    let (read, _write) = std::os::unix::net::UnixStream::pair().unwrap();
    assert_eq!(Mailbox::from_fd(OwnedFd::from(read)).err().unwrap().errno(), 25);
    // read() and write() move messages too
    use std::io::{Read, Write};
    let mut file = std::fs::File::from(mailbox.as_fd().try_clone_to_owned().unwrap());
    file.write_all(b"written").unwrap();
    let mut buf = [0; 100];
    assert_eq!(file.read(&mut buf).unwrap(), 7);
}

#[test]
fn attributes_and_owner() {
    let name = name("attributes");
    let mailbox = Create::new().create(&name, Rights::BOTH).unwrap();
    mailbox.set(&Change { mode: Some(0o644), capacity: Some(9), bytes: Some(10000), ..Default::default() }).unwrap();
    let info = mailbox.info().unwrap();
    assert_eq!((info.mode, info.capacity, info.bytes), (0o644, 9, 10000));
    mailbox.handover(process::id(), 0).unwrap();
    assert_eq!(mailbox.info().unwrap().owner, process::id());
    mailbox.send(b"x").unwrap();
    assert_eq!(kind(mailbox.delete(Delete::Empty)), ErrorKind::NotEmpty);
    assert_eq!(kind(delete(&name, Delete::Empty)), ErrorKind::NotEmpty);
    assert_eq!(delete(&name, Delete::Force), Ok(Deleted { queued: 1, dropped: 1 }));
    let error = mailbox.recv().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone);
    assert_eq!(error.to_string(), "the mailbox was deleted");
    assert!(error.is_end());
    assert_eq!(std::io::Error::from(error).raw_os_error(), Some(43));
    assert_eq!(mailbox.messages().count(), 0);
}

#[test]
fn links() {
    let inbox = Mailbox::inbox().unwrap();
    assert_eq!(kind(Mailbox::link(process::id(), 64, 0)), ErrorKind::Invalid);
    assert_eq!(kind(inbox.try_recv()), ErrorKind::WouldBlock);
    assert_eq!(Mailbox::link(u32::MAX >> 1, 64, 0).err().unwrap().errno(), 3);
}

#[test]
fn rings() {
    let name = name("ring");
    let attributes = Create::new().lifetime(Lifetime::Handle);
    let mut sender = Ring::create(&name, 4096, Rights::SEND, attributes).unwrap();
    assert_eq!(kind(Mailbox::open(&name, Rights::RECV)), ErrorKind::Unsupported);
    let mut receiver = Ring::open(&name, Rights::RECV).unwrap();
    let thread = thread::spawn(move || {
        let mut sum = 0u64;
        for _ in 0..1000 {
            let message = receiver.recv(Wait::Forever).unwrap();
            sum += u64::from_le_bytes(message.data.try_into().unwrap());
        }
        (sum, receiver.recv(Wait::Never).err().unwrap().kind())
    });
    for i in 0..1000u64 {
        sender.send(&i.to_le_bytes(), 0, Wait::Forever).unwrap();
    }
    assert_eq!(thread.join().unwrap(), (499500, ErrorKind::WouldBlock));
}

#[test]
fn version_of_the_library() {
    assert_eq!(version(), env!("CARGO_PKG_VERSION"));
}
