// SPDX-License-Identifier: GPL-2.0-only
/* The lists of all endpoints and of all links: their lock, and visits for dumps. */
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "link.h"

/*
 * The lock guards all endpoints and links, of all users. A section under it takes as
 * many steps as the trees are deep, or as a constant says. It neither allocates nor
 * frees nor sleeps: endpoints and links are made before it is taken, and those that go
 * are collected in a struct mbox_leaving.
 */
DEFINE_SPINLOCK(mbox_links_lock);

/* Entries that a visit looks at in one section. */
#define VISIT_BATCH	64

/* Begin a section under the lock. */
void mbox_links_begin(struct mbox_leaving *leaving)
	__acquires(&mbox_links_lock)
{
	leaving->links = NULL;
	leaving->endpoints = NULL;
	spin_lock(&mbox_links_lock);
}

/* End it, and release the objects that it took out of the lists. May sleep. */
void mbox_links_end(struct mbox_leaving *leaving)
	__releases(&mbox_links_lock)
{
	struct mbox_endpoint *endpoint;
	struct mbox_link *link;

	spin_unlock(&mbox_links_lock);
	while ((link = leaving->links)) {
		leaving->links = link->leaving;
		mbox_endpoint_put(link->lanes[0].to);
		mbox_endpoint_put(link->lanes[1].to);
		mbox_link_put(link);
	}
	while ((endpoint = leaving->endpoints)) {
		leaving->endpoints = endpoint->leaving;
		mbox_endpoint_drop(endpoint);
	}
}

static struct mbox_listed *links_entry(struct rb_node *node)
{
	return node ? rb_entry(node, struct mbox_listed, node) : NULL;
}

static bool links_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct mbox_listed, node)->number <
	       rb_entry(b, struct mbox_listed, node)->number;
}

static void links_count_change(struct mbox_list *list)
{
	lockdep_assert_held(&mbox_links_lock);
	WRITE_ONCE(list->changes, list->changes + 1 ?: 1);
}

/* Add an entry under a number that no other has. */
void mbox_links_add(struct mbox_list *list, struct mbox_listed *entry, u64 number)
{
	entry->number = number;
	rb_add(&entry->node, &list->tree, links_less);
	links_count_change(list);
}

void mbox_links_remove(struct mbox_list *list, struct mbox_listed *entry)
{
	rb_erase(&entry->node, &list->tree);
	links_count_change(list);
}

/* Return a number that changes when entries come or go; never 0. */
u32 mbox_links_changes(const struct mbox_list *list)
{
	return READ_ONCE(list->changes);
}

/* Return the first entry with @number or a greater one; or NULL. */
static struct mbox_listed *links_from(const struct mbox_list *list, u64 number)
{
	struct rb_node *node = list->tree.rb_node, *from = NULL;

	lockdep_assert_held(&mbox_links_lock);
	while (node) {
		if (links_entry(node)->number >= number) {
			from = node;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return links_entry(from);
}

/*
 * Return the first entry of a registry from number *@next on, with references. Set
 * *@next to its number, or to the one to go on with. NULL if there is none; then
 * *@more says whether there are others to look at.
 */
static struct mbox_listed *links_next(const struct mbox_list *list,
				      struct mbox_registry *registry, u64 *next,
				      bool *more)
{
	struct mbox_listed *entry;
	unsigned int n;

	spin_lock(&mbox_links_lock);
	entry = links_from(list, *next);
	for (n = 0; entry && n < VISIT_BATCH; n++) {
		*next = entry->number;
		if (list->get(entry, registry))
			break;
		++*next;
		entry = links_entry(rb_next(&entry->node));
	}
	*more = entry;
	if (n == VISIT_BATCH)
		entry = NULL;
	spin_unlock(&mbox_links_lock);
	return entry;
}

/* Return the entry of a registry with this number, with references; or NULL. */
struct mbox_listed *mbox_links_find(const struct mbox_list *list,
				    struct mbox_registry *registry, u64 number)
{
	struct mbox_listed *entry;

	spin_lock(&mbox_links_lock);
	entry = links_from(list, number);
	if (entry && (entry->number != number || !list->get(entry, registry)))
		entry = NULL;
	spin_unlock(&mbox_links_lock);
	return entry;
}

/**
 * mbox_links_visit - go through the entries of a network namespace
 * @list:	of links or endpoints
 * @registry:	of the namespace
 * @next:	the least number wanted; set to that of the entry for which @visit
 *		failed. Numbers grow: an entry that is there all the time is visited once.
 * @seq:	added to it is mbox_links_changes(); never 0 then
 * @visit:	called with no lock held; an error ends the visit
 * @data:	for @visit
 *
 * Return: 0, or the error of @visit.
 */
int mbox_links_visit(const struct mbox_list *list,
		     struct mbox_registry *registry, u64 *next,
		     unsigned int *seq,
		     int (*visit)(struct mbox_listed *entry, void *data),
		     void *data)
{
	struct mbox_listed *entry;
	int error = 0;
	bool more;

	*seq = *seq + mbox_links_changes(list) ?: 1;
	do {
		entry = links_next(list, registry, next, &more);
		if (entry) {
			error = visit(entry, data);
			list->put(entry);
			if (error)
				return error;
			++*next;
		}
		cond_resched();
	} while (more);
	return 0;
}
