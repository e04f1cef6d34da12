// SPDX-License-Identifier: GPL-2.0-only
//! Leases and calls, on a kernel with the module.
use mbox::*;
use std::process;
use std::thread;
use std::time::Duration;

fn small() -> Create {
    Create::new().capacity(4).lifetime(Lifetime::Handle)
}

fn kind<T>(result: Result<T>) -> ErrorKind {
    result.err().expect("an error").kind()
}

fn now() -> LeaseOptions {
    LeaseOptions { filter: Filter { wait: Wait::Never, ..Default::default() }, ..Default::default() }
}

#[test]
fn acknowledged() {
    let mailbox = small().anonymous(Rights::BOTH).unwrap();
    mailbox.send(b"job").unwrap();
    let job = mailbox.lease(&now()).unwrap();
    assert_eq!((&job.data[..], job.deliveries(), job.is_call()), (&b"job"[..], 1, false));
    assert_eq!(mailbox.info().unwrap().leased, 1);
    assert_eq!(kind(mailbox.lease(&now())), ErrorKind::WouldBlock);
    assert_eq!(job.ack().unwrap().data, b"job");
    assert_eq!(mailbox.info().unwrap().received, 1);
}

#[test]
fn dropped_and_given_back() {
    let mailbox = small().anonymous(Rights::BOTH).unwrap();
    mailbox.send(b"job").unwrap();
    drop(mailbox.lease(&now()).unwrap());
    let job = mailbox.lease(&now()).unwrap();
    assert_eq!(job.deliveries(), 1);
    job.retry(Duration::ZERO).unwrap();
    let job = mailbox.lease(&now()).unwrap();
    assert_eq!(job.deliveries(), 2);
    job.release().unwrap();
    mailbox.lease(&now()).unwrap().reject(3).unwrap();
    assert_eq!(mailbox.info().unwrap().parked, 1);
    assert_eq!(mailbox.kick(10), Ok(1));
    mailbox.lease(&now()).unwrap().ack().unwrap();
}

#[test]
fn ends_by_itself() {
    let mailbox = small().anonymous(Rights::BOTH).unwrap();
    mailbox.send(b"job").unwrap();
    let short = LeaseOptions { time: Some(Duration::from_millis(20)), ..Default::default() };
    let first = mailbox.lease(&short).unwrap();
    let second = mailbox.lease(&short).unwrap();
    second.extend(Some(Duration::from_secs(60))).unwrap();
    assert_eq!(second.deliveries(), 2);
    assert_eq!(kind(first.ack()), ErrorKind::Stale);
    second.ack().unwrap();
}

#[test]
fn dead_letters() {
    let dead = small().anonymous(Rights::BOTH).unwrap();
    let attributes = small().dead_letter(dead.info().unwrap().id).max_deliveries(1);
    let mailbox = attributes.anonymous(Rights::BOTH).unwrap();
    mailbox.send(b"poison").unwrap();
    mailbox.lease(&now()).unwrap().retry(Duration::ZERO).unwrap();
    mailbox.send(b"nonsense").unwrap();
    mailbox.lease(&now()).unwrap().reject(42).unwrap();
    let letter = dead.lease(&now()).unwrap();
    assert_eq!((&letter.data[..], letter.reason()), (&b"poison"[..], Some(Reason::Deliveries)));
    assert_eq!(letter.origin(), Some((mailbox.info().unwrap().id, 1)));
    letter.ack().unwrap();
    assert_eq!(dead.lease(&now()).unwrap().reason(), Some(Reason::Rejected(42)));
}

#[test]
fn posts() {
    let mailbox = small().anonymous(Rights::BOTH).unwrap();
    let delay = Some(Duration::from_millis(50));
    mailbox.post(b"later", &PostOptions { delay, mark: Some(77), ..Default::default() }).unwrap();
    assert_eq!(mailbox.info().unwrap().mark, 77);
    assert_eq!(kind(mailbox.try_recv()), ErrorKind::WouldBlock);
    assert_eq!(mailbox.recv().unwrap().data, b"later");
    thread::scope(|scope| {
        scope.spawn(|| mailbox.lease(&LeaseOptions::default()).unwrap().ack().unwrap());
        let acked = PostOptions { acked: true, ..Default::default() };
        assert_eq!(mailbox.post(b"now", &acked), Ok(process::id()));
    });
}

#[test]
fn calls() {
    let mailbox = small().anonymous(Rights::BOTH).unwrap();
    let lease = LeaseOptions::default();
    let call = CallOptions::default();
    thread::scope(|scope| {
        scope.spawn(|| {
            let request = mailbox.lease(&lease).unwrap();
            assert!(request.is_call() && request.room() == 100 && request.left().is_none());
            let answer: Vec<u8> = request.data.to_ascii_uppercase();
            request.reply(&answer).unwrap();
            mailbox.lease(&lease).unwrap().reject(7).unwrap();
        });
        assert_eq!(mailbox.call(b"question", 100, &call).unwrap(), b"QUESTION");
        let error = mailbox.call(b"", 100, &call).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Rejected, 7));
    });
    let send = SendOptions { wait: Duration::from_millis(20).into(), ..Default::default() };
    assert_eq!(kind(mailbox.call(b"", 0, &CallOptions { send, retry: true })), ErrorKind::TimedOut);
    assert_eq!(mailbox.info().unwrap().queued, 0);
}
