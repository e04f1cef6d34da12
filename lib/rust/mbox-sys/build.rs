// SPDX-License-Identifier: LGPL-2.1-or-later
//! Find libmbox: in MBOX_LIB_DIR, or where pkg-config finds it, or where the linker looks.
use std::env;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=MBOX_LIB_DIR");
    println!("cargo:rustc-link-lib=mbox");
    if let Ok(dir) = env::var("MBOX_LIB_DIR") {
        println!("cargo:rustc-link-search=native={}", dir);
        return;
    }
    let output = Command::new("pkg-config").args(["--libs-only-L", "libmbox"]).output();
    if let Ok(output) = output {
        for word in String::from_utf8_lossy(&output.stdout).split_whitespace() {
            if let Some(dir) = word.strip_prefix("-L") {
                println!("cargo:rustc-link-search=native={}", dir);
            }
        }
    }
}
