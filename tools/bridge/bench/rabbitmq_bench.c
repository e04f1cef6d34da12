// SPDX-License-Identifier: GPL-2.0-only
/*
 * RabbitMQ alone, to compare mboxbridge with: rabbitmq_bench HOST MESSAGES SIZE PINGS
 *
 * Does what nats_bench does, with a durable queue, persistent messages, confirms of the publisher and an
 * acknowledgement of each message by the consumer. A connection of librabbitmq belongs to one thread.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <amqp.h>
#include <amqp_tcp_socket.h>
#include "bench.h"

#define PORT	5672
#define CHANNEL	1

/* Delivery tags count from 1: messages before @lowest are confirmed, of the later ones those that @confirmed says. */
struct publisher {
	amqp_connection_state_t connection;
	amqp_bytes_t data;
	uint64_t sent, lowest;
	bool *confirmed;
};

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "rabbitmq_bench: no %s\n", what);
	exit(1);
}

static void must_reply(amqp_rpc_reply_t reply, const char *what)
{
	must(reply.reply_type == AMQP_RESPONSE_NORMAL, what);
}

static int64_t bench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void *bench_receive(void *closure)
{
	amqp_connection_state_t connection = closure;
	amqp_envelope_t envelope;

	for (;;) {
		amqp_maybe_release_buffers(connection);
		must_reply(amqp_consume_message(connection, &envelope, NULL, 0), "message");
		must(!amqp_basic_ack(connection, CHANNEL, envelope.delivery_tag, 0), "acknowledgement");
		amqp_destroy_envelope(&envelope);
		bench_got();
	}
	return NULL;
}

static amqp_connection_state_t bench_connect(const char *host)
{
	amqp_connection_state_t connection = amqp_new_connection();
	amqp_socket_t *socket = amqp_tcp_socket_new(connection);

	must(socket && !amqp_socket_open(socket, host, PORT), "connection");
	must_reply(amqp_login(connection, "/", AMQP_DEFAULT_MAX_CHANNELS, AMQP_DEFAULT_FRAME_SIZE, 0, AMQP_SASL_METHOD_PLAIN,
			      "guest", "guest"), "login");
	must(amqp_channel_open(connection, CHANNEL), "channel");
	return connection;
}

static void publisher_send(struct publisher *publisher)
{
	amqp_basic_properties_t properties = { ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG, .delivery_mode = AMQP_DELIVERY_PERSISTENT };

	must(!amqp_basic_publish(publisher->connection, CHANNEL, amqp_empty_bytes, amqp_cstring_bytes("bench"), 0, 0, &properties,
				 publisher->data), "publication");
	publisher->sent++;
}

/* Wait until less than @window messages are under way. */
static void publisher_confirm(struct publisher *publisher, uint64_t window)
{
	while (publisher->sent - (publisher->lowest - 1) >= window) {
		amqp_basic_ack_t *ack;
		amqp_frame_t frame;

		amqp_maybe_release_buffers(publisher->connection);
		must(!amqp_simple_wait_frame(publisher->connection, &frame), "confirm");
		must(frame.frame_type == AMQP_FRAME_METHOD && frame.payload.method.id == AMQP_BASIC_ACK_METHOD, "confirm");
		ack = frame.payload.method.decoded;
		for (uint64_t tag = ack->multiple ? publisher->lowest : ack->delivery_tag; tag <= ack->delivery_tag; tag++)
			publisher->confirmed[tag] = true;
		while (publisher->lowest <= publisher->sent && publisher->confirmed[publisher->lowest])
			publisher->lowest++;
	}
}

int main(int argc, char **argv)
{
	amqp_bytes_t queue = amqp_cstring_bytes("bench");
	struct publisher publisher = { .lowest = 1 };
	amqp_connection_state_t in;
	int64_t began, took;
	struct bench bench;
	pthread_t receiver;

	if (!bench_init(&bench, argc, argv))
		return 2;
	publisher.data = amqp_bytes_malloc((size_t)bench.size);
	publisher.confirmed = calloc(bench.count + (uint64_t)bench.pings + 1, sizeof(*publisher.confirmed));
	if (!publisher.data.bytes || !publisher.confirmed)
		return 1;
	publisher.connection = bench_connect(bench.server);
	/* it may have messages of another run */
	must(amqp_queue_delete(publisher.connection, CHANNEL, queue, 0, 0), "new queue");
	must(amqp_queue_declare(publisher.connection, CHANNEL, queue, 0, 1, 0, 0, amqp_empty_table), "queue");
	must(amqp_confirm_select(publisher.connection, CHANNEL), "confirms");
	in = bench_connect(bench.server);
	must(amqp_basic_qos(in, CHANNEL, 0, WINDOW, 0), "window");
	must(amqp_basic_consume(in, CHANNEL, queue, amqp_empty_bytes, 0, 0, 0, amqp_empty_table), "consumer");
	must(!pthread_create(&receiver, NULL, bench_receive, in), "thread");

	began = bench_now();
	for (uint64_t i = 0; i < bench.count; i++) {
		publisher_confirm(&publisher, WINDOW);
		publisher_send(&publisher);
	}
	publisher_confirm(&publisher, 1);
	bench_wait(bench.count);
	took = bench_now() - began;
	for (int i = 0; i < bench.pings; i++) {
		began = bench_now();
		publisher_send(&publisher);
		publisher_confirm(&publisher, 1);
		bench_wait(bench.count + (uint64_t)i + 1);
		bench.times[i] = bench_now() - began;
	}
	bench_report(&bench, took);
	return 0;
}
