#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The tests of queues of sysvipc(7) once more, on mailboxes: unchanged programs by "mboxctl run sysv". In KTAP;
# needs mboxctl, libmbox-sysv.so and the module.

# shellcheck source=/dev/null
. "${0%/*}/preload_helper.sh"

run_preloaded sysv sysv_test sysv_message_test sysv_syscall_test sysv_ledger_test
