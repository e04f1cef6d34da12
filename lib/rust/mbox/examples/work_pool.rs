// SPDX-License-Identifier: LGPL-2.1-or-later
//! Threads count primes: each takes the next job when it is free, and the jobs end when the
//! mailbox has drained.
use mbox::{Create, Delete, Filter, Rights};
use std::thread;

const CHUNK: u32 = 2000;
const JOBS: u32 = 10;

fn primes(from: u32) -> u32 {
    let is_prime = |n: &u32| *n >= 2 && (2..).take_while(|d| d * d <= *n).all(|d| n % d != 0);
    (from..from + CHUNK).filter(is_prime).count() as u32
}

fn main() -> mbox::Result<()> {
    let workers = thread::available_parallelism().map_or(1, |n| n.get().min(4));
    let jobs = Create::new().capacity(JOBS).anonymous(Rights::BOTH)?;
    let results = Create::new().capacity(JOBS).anonymous(Rights::BOTH)?;

    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                // Until the mailbox is gone, after its last job.
                for job in jobs.messages() {
                    let from = u32::from_le_bytes(job?.data.try_into().unwrap());
                    results.send(&primes(from).to_le_bytes())?;
                }
                mbox::Result::Ok(())
            });
        }
        for i in 0..JOBS {
            jobs.send(&(i * CHUNK).to_le_bytes())?;
        }
        jobs.delete(Delete::Drain).map(drop)
    })?;

    let mut total = 0;
    for message in results.recv_many(JOBS as usize, JOBS as usize, 4, &Filter::default())? {
        total += u32::from_le_bytes(message.data.try_into().unwrap());
    }
    println!("{} primes below {}, by {} workers", total, JOBS * CHUNK, workers);
    Ok(())
}
