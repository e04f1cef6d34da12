/* SPDX-License-Identifier: GPL-2.0-only */
/* Where each field of the interface lies: checked when it is compiled, also for 32 bits. */
#ifndef ABI_LAYOUT_H
#define ABI_LAYOUT_H

#include <stddef.h>
#include <linux/mbox.h>
#include <linux/mbox_ring.h>

#define ASSERT_LAYOUT(type, field, at) \
	_Static_assert(offsetof(struct type, field) == (at), #type "." #field)
#define ASSERT_SIZE(type, size) \
	_Static_assert(sizeof(struct type) == (size), #type)

ASSERT_SIZE(mbox_ioc_open, 160);
ASSERT_LAYOUT(mbox_ioc_open, flags, 0);
ASSERT_LAYOUT(mbox_ioc_open, rights, 4);
ASSERT_LAYOUT(mbox_ioc_open, name, 8);
ASSERT_LAYOUT(mbox_ioc_open, mode, 72);
ASSERT_LAYOUT(mbox_ioc_open, lifetime, 76);
ASSERT_LAYOUT(mbox_ioc_open, capacity, 80);
ASSERT_LAYOUT(mbox_ioc_open, msg_size, 84);
ASSERT_LAYOUT(mbox_ioc_open, bytes, 88);
ASSERT_LAYOUT(mbox_ioc_open, policy, 96);
ASSERT_LAYOUT(mbox_ioc_open, max_procs, 100);
ASSERT_LAYOUT(mbox_ioc_open, options, 104);
ASSERT_LAYOUT(mbox_ioc_open, pad, 108);
ASSERT_LAYOUT(mbox_ioc_open, ring, 112);
ASSERT_LAYOUT(mbox_ioc_open, dead_letter, 120);
ASSERT_LAYOUT(mbox_ioc_open, max_deliveries, 128);
ASSERT_LAYOUT(mbox_ioc_open, pad2, 132);
ASSERT_LAYOUT(mbox_ioc_open, label, 136);
ASSERT_LAYOUT(mbox_ioc_open, label_size, 144);
ASSERT_LAYOUT(mbox_ioc_open, space, 148);
ASSERT_LAYOUT(mbox_ioc_open, id, 152);

ASSERT_SIZE(mbox_ioc_next, 16);
ASSERT_LAYOUT(mbox_ioc_next, flags, 0);
ASSERT_LAYOUT(mbox_ioc_next, space, 4);
ASSERT_LAYOUT(mbox_ioc_next, id, 8);

ASSERT_SIZE(mbox_ioc_link, 24);
ASSERT_LAYOUT(mbox_ioc_link, flags, 0);
ASSERT_LAYOUT(mbox_ioc_link, pid, 4);
ASSERT_LAYOUT(mbox_ioc_link, capacity, 8);
ASSERT_LAYOUT(mbox_ioc_link, msg_size, 12);
ASSERT_LAYOUT(mbox_ioc_link, start, 16);

ASSERT_SIZE(mbox_ioc_inbox, 8);
ASSERT_LAYOUT(mbox_ioc_inbox, flags, 0);
ASSERT_LAYOUT(mbox_ioc_inbox, pad, 4);

ASSERT_SIZE(mbox_ioc_delete, 88);
ASSERT_LAYOUT(mbox_ioc_delete, flags, 0);
ASSERT_LAYOUT(mbox_ioc_delete, how, 4);
ASSERT_LAYOUT(mbox_ioc_delete, name, 8);
ASSERT_LAYOUT(mbox_ioc_delete, queued, 72);
ASSERT_LAYOUT(mbox_ioc_delete, dropped, 80);

ASSERT_SIZE(mbox_ioc_send, 40);
ASSERT_LAYOUT(mbox_ioc_send, flags, 0);
ASSERT_LAYOUT(mbox_ioc_send, prio, 4);
ASSERT_LAYOUT(mbox_ioc_send, type, 8);
ASSERT_LAYOUT(mbox_ioc_send, clock, 12);
ASSERT_LAYOUT(mbox_ioc_send, deadline, 16);
ASSERT_LAYOUT(mbox_ioc_send, data, 24);
ASSERT_LAYOUT(mbox_ioc_send, size, 32);

ASSERT_SIZE(mbox_header, 56);
ASSERT_LAYOUT(mbox_header, length, 0);
ASSERT_LAYOUT(mbox_header, seq, 8);
ASSERT_LAYOUT(mbox_header, time, 16);
ASSERT_LAYOUT(mbox_header, prio, 24);
ASSERT_LAYOUT(mbox_header, type, 28);
ASSERT_LAYOUT(mbox_header, pid, 32);
ASSERT_LAYOUT(mbox_header, uid, 36);
ASSERT_LAYOUT(mbox_header, gid, 40);
ASSERT_LAYOUT(mbox_header, type_hi, 44);
ASSERT_LAYOUT(mbox_header, start, 48);

ASSERT_SIZE(mbox_ioc_recv, 104);
ASSERT_LAYOUT(mbox_ioc_recv, flags, 0);
ASSERT_LAYOUT(mbox_ioc_recv, clock, 4);
ASSERT_LAYOUT(mbox_ioc_recv, deadline, 8);
ASSERT_LAYOUT(mbox_ioc_recv, data, 16);
ASSERT_LAYOUT(mbox_ioc_recv, size, 24);
ASSERT_LAYOUT(mbox_ioc_recv, type, 32);
ASSERT_LAYOUT(mbox_ioc_recv, pid, 36);
ASSERT_LAYOUT(mbox_ioc_recv, min_prio, 40);
ASSERT_LAYOUT(mbox_ioc_recv, type_hi, 44);
ASSERT_LAYOUT(mbox_ioc_recv, header, 48);

ASSERT_SIZE(mbox_send_entry, 32);
ASSERT_LAYOUT(mbox_send_entry, flags, 0);
ASSERT_LAYOUT(mbox_send_entry, prio, 4);
ASSERT_LAYOUT(mbox_send_entry, type, 8);
ASSERT_LAYOUT(mbox_send_entry, type_hi, 12);
ASSERT_LAYOUT(mbox_send_entry, data, 16);
ASSERT_LAYOUT(mbox_send_entry, size, 24);

ASSERT_SIZE(mbox_ioc_sendv, 32);
ASSERT_LAYOUT(mbox_ioc_sendv, flags, 0);
ASSERT_LAYOUT(mbox_ioc_sendv, clock, 4);
ASSERT_LAYOUT(mbox_ioc_sendv, deadline, 8);
ASSERT_LAYOUT(mbox_ioc_sendv, entries, 16);
ASSERT_LAYOUT(mbox_ioc_sendv, count, 24);
ASSERT_LAYOUT(mbox_ioc_sendv, entry_size, 28);

ASSERT_SIZE(mbox_recv_entry, 80);
ASSERT_LAYOUT(mbox_recv_entry, flags, 0);
ASSERT_LAYOUT(mbox_recv_entry, pad, 4);
ASSERT_LAYOUT(mbox_recv_entry, data, 8);
ASSERT_LAYOUT(mbox_recv_entry, size, 16);
ASSERT_LAYOUT(mbox_recv_entry, header, 24);

ASSERT_SIZE(mbox_ioc_recvv, 64);
ASSERT_LAYOUT(mbox_ioc_recvv, flags, 0);
ASSERT_LAYOUT(mbox_ioc_recvv, clock, 4);
ASSERT_LAYOUT(mbox_ioc_recvv, deadline, 8);
ASSERT_LAYOUT(mbox_ioc_recvv, entries, 16);
ASSERT_LAYOUT(mbox_ioc_recvv, count, 24);
ASSERT_LAYOUT(mbox_ioc_recvv, entry_size, 28);
ASSERT_LAYOUT(mbox_ioc_recvv, min, 32);
ASSERT_LAYOUT(mbox_ioc_recvv, type, 36);
ASSERT_LAYOUT(mbox_ioc_recvv, pid, 40);
ASSERT_LAYOUT(mbox_ioc_recvv, min_prio, 44);
ASSERT_LAYOUT(mbox_ioc_recvv, start, 48);
ASSERT_LAYOUT(mbox_ioc_recvv, type_hi, 56);
ASSERT_LAYOUT(mbox_ioc_recvv, pad, 60);

ASSERT_SIZE(mbox_ioc_mode, 32);
ASSERT_LAYOUT(mbox_ioc_mode, flags, 0);
ASSERT_LAYOUT(mbox_ioc_mode, header_size, 4);
ASSERT_LAYOUT(mbox_ioc_mode, type, 8);
ASSERT_LAYOUT(mbox_ioc_mode, pid, 12);
ASSERT_LAYOUT(mbox_ioc_mode, min_prio, 16);
ASSERT_LAYOUT(mbox_ioc_mode, type_hi, 20);
ASSERT_LAYOUT(mbox_ioc_mode, start, 24);

ASSERT_SIZE(mbox_delivery, 64);
ASSERT_LAYOUT(mbox_delivery, token, 0);
ASSERT_LAYOUT(mbox_delivery, flags, 8);
ASSERT_LAYOUT(mbox_delivery, deliveries, 12);
ASSERT_LAYOUT(mbox_delivery, reason, 16);
ASSERT_LAYOUT(mbox_delivery, code, 20);
ASSERT_LAYOUT(mbox_delivery, room, 24);
ASSERT_LAYOUT(mbox_delivery, left, 32);
ASSERT_LAYOUT(mbox_delivery, origin, 40);
ASSERT_LAYOUT(mbox_delivery, origin_seq, 48);
ASSERT_LAYOUT(mbox_delivery, origin_deliveries, 56);
ASSERT_LAYOUT(mbox_delivery, pad, 60);

ASSERT_SIZE(mbox_ioc_lease, 192);
ASSERT_LAYOUT(mbox_ioc_lease, recv, 0);
ASSERT_LAYOUT(mbox_ioc_lease, flags, 104);
ASSERT_LAYOUT(mbox_ioc_lease, clock, 108);
ASSERT_LAYOUT(mbox_ioc_lease, time, 112);
ASSERT_LAYOUT(mbox_ioc_lease, ack, 120);
ASSERT_LAYOUT(mbox_ioc_lease, delivery, 128);

ASSERT_SIZE(mbox_ioc_notify, 24);
ASSERT_LAYOUT(mbox_ioc_notify, flags, 0);
ASSERT_LAYOUT(mbox_ioc_notify, how, 4);
ASSERT_LAYOUT(mbox_ioc_notify, cookie, 8);
ASSERT_LAYOUT(mbox_ioc_notify, pid, 16);
ASSERT_LAYOUT(mbox_ioc_notify, uid, 20);

ASSERT_SIZE(mbox_ack_entry, 16);
ASSERT_LAYOUT(mbox_ack_entry, token, 0);
ASSERT_LAYOUT(mbox_ack_entry, result, 8);
ASSERT_LAYOUT(mbox_ack_entry, pad, 12);

ASSERT_SIZE(mbox_ioc_ack, 16);
ASSERT_LAYOUT(mbox_ioc_ack, flags, 0);
ASSERT_LAYOUT(mbox_ioc_ack, count, 4);
ASSERT_LAYOUT(mbox_ioc_ack, entries, 8);

ASSERT_SIZE(mbox_ioc_nack, 32);
ASSERT_LAYOUT(mbox_ioc_nack, flags, 0);
ASSERT_LAYOUT(mbox_ioc_nack, how, 4);
ASSERT_LAYOUT(mbox_ioc_nack, token, 8);
ASSERT_LAYOUT(mbox_ioc_nack, delay, 16);
ASSERT_LAYOUT(mbox_ioc_nack, code, 24);
ASSERT_LAYOUT(mbox_ioc_nack, pad, 28);

ASSERT_SIZE(mbox_ioc_extend, 24);
ASSERT_LAYOUT(mbox_ioc_extend, flags, 0);
ASSERT_LAYOUT(mbox_ioc_extend, clock, 4);
ASSERT_LAYOUT(mbox_ioc_extend, token, 8);
ASSERT_LAYOUT(mbox_ioc_extend, time, 16);

ASSERT_SIZE(mbox_ioc_post, 80);
ASSERT_LAYOUT(mbox_ioc_post, send, 0);
ASSERT_LAYOUT(mbox_ioc_post, flags, 40);
ASSERT_LAYOUT(mbox_ioc_post, clock, 44);
ASSERT_LAYOUT(mbox_ioc_post, mark, 48);
ASSERT_LAYOUT(mbox_ioc_post, not_before, 56);
ASSERT_LAYOUT(mbox_ioc_post, expires, 64);
ASSERT_LAYOUT(mbox_ioc_post, type_hi, 72);
ASSERT_LAYOUT(mbox_ioc_post, pad, 76);

ASSERT_SIZE(mbox_ioc_call, 88);
ASSERT_LAYOUT(mbox_ioc_call, send, 0);
ASSERT_LAYOUT(mbox_ioc_call, flags, 40);
ASSERT_LAYOUT(mbox_ioc_call, code, 44);
ASSERT_LAYOUT(mbox_ioc_call, reply, 48);
ASSERT_LAYOUT(mbox_ioc_call, room, 56);
ASSERT_LAYOUT(mbox_ioc_call, length, 64);
ASSERT_LAYOUT(mbox_ioc_call, pid, 72);
ASSERT_LAYOUT(mbox_ioc_call, type_hi, 76);
ASSERT_LAYOUT(mbox_ioc_call, start, 80);

ASSERT_SIZE(mbox_ioc_reply, 40);
ASSERT_LAYOUT(mbox_ioc_reply, flags, 0);
ASSERT_LAYOUT(mbox_ioc_reply, lease_size, 4);
ASSERT_LAYOUT(mbox_ioc_reply, token, 8);
ASSERT_LAYOUT(mbox_ioc_reply, data, 16);
ASSERT_LAYOUT(mbox_ioc_reply, size, 24);
ASSERT_LAYOUT(mbox_ioc_reply, lease, 32);

ASSERT_SIZE(mbox_ioc_kick, 16);
ASSERT_LAYOUT(mbox_ioc_kick, most, 0);
ASSERT_LAYOUT(mbox_ioc_kick, kicked, 8);

ASSERT_SIZE(mbox_info, 632);
ASSERT_LAYOUT(mbox_info, flags, 0);
ASSERT_LAYOUT(mbox_info, state, 4);
ASSERT_LAYOUT(mbox_info, name, 8);
ASSERT_LAYOUT(mbox_info, id, 72);
ASSERT_LAYOUT(mbox_info, uid, 80);
ASSERT_LAYOUT(mbox_info, gid, 84);
ASSERT_LAYOUT(mbox_info, mode, 88);
ASSERT_LAYOUT(mbox_info, lifetime, 92);
ASSERT_LAYOUT(mbox_info, capacity, 96);
ASSERT_LAYOUT(mbox_info, msg_size, 100);
ASSERT_LAYOUT(mbox_info, bytes, 104);
ASSERT_LAYOUT(mbox_info, rights, 112);
ASSERT_LAYOUT(mbox_info, handles, 116);
ASSERT_LAYOUT(mbox_info, senders, 120);
ASSERT_LAYOUT(mbox_info, receivers, 124);
ASSERT_LAYOUT(mbox_info, queued, 128);
ASSERT_LAYOUT(mbox_info, queued_bytes, 136);
ASSERT_LAYOUT(mbox_info, sent, 144);
ASSERT_LAYOUT(mbox_info, received, 152);
ASSERT_LAYOUT(mbox_info, withdrawn, 160);
ASSERT_LAYOUT(mbox_info, dropped, 168);
ASSERT_LAYOUT(mbox_info, created, 176);
ASSERT_LAYOUT(mbox_info, kind, 184);
ASSERT_LAYOUT(mbox_info, policy, 188);
ASSERT_LAYOUT(mbox_info, options, 192);
ASSERT_LAYOUT(mbox_info, max_procs, 196);
ASSERT_LAYOUT(mbox_info, procs, 200);
ASSERT_LAYOUT(mbox_info, owner, 204);
ASSERT_LAYOUT(mbox_info, heir, 208);
ASSERT_LAYOUT(mbox_info, peer, 212);
ASSERT_LAYOUT(mbox_info, ring, 216);
ASSERT_LAYOUT(mbox_info, lost, 224);
ASSERT_LAYOUT(mbox_info, handle_received, 232);
ASSERT_LAYOUT(mbox_info, handle_lost, 240);
ASSERT_LAYOUT(mbox_info, handle_queued, 248);
ASSERT_LAYOUT(mbox_info, creator, 256);
ASSERT_LAYOUT(mbox_info, handle_mode, 260);
ASSERT_LAYOUT(mbox_info, spin_hits, 264);
ASSERT_LAYOUT(mbox_info, spin_misses, 272);
ASSERT_LAYOUT(mbox_info, leased, 280);
ASSERT_LAYOUT(mbox_info, delayed, 284);
ASSERT_LAYOUT(mbox_info, parked, 288);
ASSERT_LAYOUT(mbox_info, max_deliveries, 292);
ASSERT_LAYOUT(mbox_info, redelivered, 296);
ASSERT_LAYOUT(mbox_info, dead, 304);
ASSERT_LAYOUT(mbox_info, dead_letter, 312);
ASSERT_LAYOUT(mbox_info, mark, 320);
ASSERT_LAYOUT(mbox_info, space, 328);
ASSERT_LAYOUT(mbox_info, pad, 332);
ASSERT_LAYOUT(mbox_info, label, 336);
ASSERT_LAYOUT(mbox_info, last_sender, 592);
ASSERT_LAYOUT(mbox_info, last_receiver, 596);
ASSERT_LAYOUT(mbox_info, last_sent, 600);
ASSERT_LAYOUT(mbox_info, last_received, 608);
ASSERT_LAYOUT(mbox_info, changed, 616);
ASSERT_LAYOUT(mbox_info, cuid, 624);
ASSERT_LAYOUT(mbox_info, cgid, 628);

ASSERT_SIZE(mbox_ioc_set, 40);
ASSERT_LAYOUT(mbox_ioc_set, flags, 0);
ASSERT_LAYOUT(mbox_ioc_set, mask, 4);
ASSERT_LAYOUT(mbox_ioc_set, mode, 8);
ASSERT_LAYOUT(mbox_ioc_set, uid, 12);
ASSERT_LAYOUT(mbox_ioc_set, gid, 16);
ASSERT_LAYOUT(mbox_ioc_set, capacity, 20);
ASSERT_LAYOUT(mbox_ioc_set, msg_size, 24);
ASSERT_LAYOUT(mbox_ioc_set, pad, 28);
ASSERT_LAYOUT(mbox_ioc_set, bytes, 32);

ASSERT_SIZE(mbox_ioc_handover, 16);
ASSERT_LAYOUT(mbox_ioc_handover, flags, 0);
ASSERT_LAYOUT(mbox_ioc_handover, pid, 4);
ASSERT_LAYOUT(mbox_ioc_handover, start, 8);

ASSERT_SIZE(mbox_ioc_shutdown, 8);
ASSERT_LAYOUT(mbox_ioc_shutdown, flags, 0);
ASSERT_LAYOUT(mbox_ioc_shutdown, how, 4);

ASSERT_SIZE(mbox_ioc_wait, 32);
ASSERT_LAYOUT(mbox_ioc_wait, flags, 0);
ASSERT_LAYOUT(mbox_ioc_wait, clock, 4);
ASSERT_LAYOUT(mbox_ioc_wait, deadline, 8);
ASSERT_LAYOUT(mbox_ioc_wait, seen, 16);
ASSERT_LAYOUT(mbox_ioc_wait, side, 24);
ASSERT_LAYOUT(mbox_ioc_wait, pad, 28);

ASSERT_SIZE(mbox_ring_control, 192);
ASSERT_LAYOUT(mbox_ring_control, index, 0);
ASSERT_LAYOUT(mbox_ring_control, pad0, 8);
ASSERT_LAYOUT(mbox_ring_control, waiting, 64);
ASSERT_LAYOUT(mbox_ring_control, gone, 68);
ASSERT_LAYOUT(mbox_ring_control, apart, 72);
ASSERT_LAYOUT(mbox_ring_control, pad1, 76);
ASSERT_LAYOUT(mbox_ring_control, pad2, 80);
ASSERT_LAYOUT(mbox_ring_control, freed, 128);
ASSERT_LAYOUT(mbox_ring_control, pad3, 136);

ASSERT_SIZE(mbox_ring_record, 8);
ASSERT_LAYOUT(mbox_ring_record, length, 0);
ASSERT_LAYOUT(mbox_ring_record, type, 4);

#endif
