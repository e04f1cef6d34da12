// SPDX-License-Identifier: GPL-2.0-only
/* States of mailboxes. */
#include "mbox_test.h"

#define INFO_FIELD(field) { #field, offsetof(struct mbox_info, field), \
			    sizeof(((struct mbox_info *)0)->field) }

/* Return the state, for one field: EXPECT_EQ(2, info_of(fd).queued). All poison on failure. */
struct mbox_info info_of(int fd)
{
	struct mbox_info info;

	if (info_get(fd, &info) < 0)
		memset(&info, POISON, sizeof(info));
	return info;
}

/* Describe the difference from @before, and whether the counters balance; "" if all is well. */
const char *info_diff(int fd, const struct mbox_info *before)
{
	static const struct { const char *name; size_t at, size; } fields[] = {
		INFO_FIELD(flags), INFO_FIELD(state), INFO_FIELD(id), INFO_FIELD(uid),
		INFO_FIELD(gid), INFO_FIELD(mode), INFO_FIELD(lifetime), INFO_FIELD(capacity),
		INFO_FIELD(msg_size), INFO_FIELD(bytes), INFO_FIELD(rights),
		INFO_FIELD(handles), INFO_FIELD(senders), INFO_FIELD(receivers),
		INFO_FIELD(queued), INFO_FIELD(queued_bytes), INFO_FIELD(sent),
		INFO_FIELD(received), INFO_FIELD(withdrawn), INFO_FIELD(dropped),
		INFO_FIELD(created), INFO_FIELD(kind), INFO_FIELD(policy), INFO_FIELD(options),
		INFO_FIELD(max_procs), INFO_FIELD(procs), INFO_FIELD(owner), INFO_FIELD(heir),
		INFO_FIELD(peer), INFO_FIELD(ring), INFO_FIELD(lost),
		INFO_FIELD(handle_received), INFO_FIELD(handle_lost), INFO_FIELD(handle_queued),
		INFO_FIELD(creator), INFO_FIELD(handle_mode), INFO_FIELD(leased), INFO_FIELD(delayed),
		INFO_FIELD(parked), INFO_FIELD(max_deliveries), INFO_FIELD(dead),
		INFO_FIELD(dead_letter), INFO_FIELD(mark), INFO_FIELD(last_sender),
		INFO_FIELD(last_receiver), INFO_FIELD(last_sent), INFO_FIELD(last_received),
		INFO_FIELD(changed), INFO_FIELD(cuid), INFO_FIELD(cgid),
	};
	static char text[1024];
	struct mbox_info after;
	int ret = info_get(fd, &after);
	size_t n = 0;

	if (ret < 0)
		return strerrorname_np(-ret);
	text[0] = '\0';
	if (strncmp(before->name, after.name, MBOX_NAME_SIZE))
		n += snprintf(text + n, sizeof(text) - n, "name ");
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		uint64_t was = 0, is = 0;

		memcpy(&was, (char *)before + fields[i].at, fields[i].size);
		memcpy(&is, (char *)&after + fields[i].at, fields[i].size);
		if (was != is)
			n += snprintf(text + n, sizeof(text) - n, "%s %llu->%llu ",
				      fields[i].name, (unsigned long long)was,
				      (unsigned long long)is);
	}
	if (after.sent != after.received + after.withdrawn + after.dropped + after.queued)
		snprintf(text + n, sizeof(text) - n, "sent is not the sum of the others");
	return text;
}
