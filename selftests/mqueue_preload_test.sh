#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The tests of queues of mq_overview(7) once more, on mailboxes: unchanged programs by "mboxctl run mq". In KTAP;
# needs mboxctl, libmbox-mqueue.so and the module.

# shellcheck source=/dev/null
. "${0%/*}/preload_helper.sh"

run_preloaded mq mqueue_test mqueue_message_test mqueue_notify_test mqueue_syscall_test
