/* The signer in a process of its own, and ca.h, which talks to it. */
#include "tls/signer.h"

#include "tls/ca.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define N_CHANNELS 2
#define WAIT_MS 10000 /* for what must come; a test that waits so long fails */

struct rig {
	int vault;
	pid_t pid; /* 0 once reaped */
	int channels[N_CHANNELS];
};

static int vault_new(void)
{
	int vault = signer_vault();

	assert_true(vault >= 0);
	return vault;
}

/*
 * A signer over @vault, which becomes the rig's. One at a time: a second one
 * would inherit our ends of the first one's channels.
 */
static struct rig start(int vault)
{
	struct rig rig = { .vault = vault };
	int theirs[N_CHANNELS], pair[2];

	for (int i = 0; i < N_CHANNELS; i++) {
		assert_int_equal(socketpair(AF_UNIX,
					    SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
					    pair),
				 0);
		rig.channels[i] = pair[0];
		theirs[i] = pair[1];
	}
	rig.pid = fork();
	assert_true(rig.pid >= 0);
	if (rig.pid == 0) {
		for (int i = 0; i < N_CHANNELS; i++)
			(void)close(rig.channels[i]);
		signer_run(vault, theirs, N_CHANNELS);
	}
	for (int i = 0; i < N_CHANNELS; i++)
		(void)close(theirs[i]);
	return rig;
}

/* The exit status, or the negated signal. */
static int reap(struct rig *rig)
{
	int status;

	assert_int_equal(waitpid(rig->pid, &status, 0), rig->pid);
	rig->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void close_channel(struct rig *rig, int i)
{
	if (rig->channels[i] >= 0)
		(void)close(rig->channels[i]);
	rig->channels[i] = -1;
}

static void kill_signer(struct rig *rig)
{
	assert_int_equal(kill(rig->pid, SIGKILL), 0);
	assert_int_equal(reap(rig), -SIGKILL);
}

/* The signer ends well once nobody is left to serve. */
static void stop(struct rig *rig)
{
	for (int i = 0; i < N_CHANNELS; i++)
		close_channel(rig, i);
	if (rig->pid)
		assert_int_equal(reap(rig), 0);
	(void)close(rig->vault);
}

static struct domain domain(const char *text)
{
	struct domain d;

	assert_true(domain_parse(&d, text, strlen(text)));
	return d;
}

static struct domain numbered(unsigned i)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "n%u.example.org", i);
	return domain(text);
}

/* --- the wire, spoken by hand --- */

static void say(int channel, const void *bytes, size_t len)
{
	assert_int_equal(send(channel, bytes, len, MSG_NOSIGNAL), len);
}

/* The next answer's length; 0 if the channel was closed. */
static size_t hear(int channel, uint8_t answer[SIGNER_ANSWER_MAX])
{
	struct pollfd polled = { .fd = channel, .events = POLLIN };
	ssize_t n;

	assert_int_equal(poll(&polled, 1, WAIT_MS), 1);
	n = recv(channel, answer, SIGNER_ANSWER_MAX, 0);
	assert_true(n >= 0 || errno == ECONNRESET);
	return n > 0 ? (size_t)n : 0;
}

static void say_request(int channel, const struct signer_request *request)
{
	uint8_t bytes[SIGNER_REQUEST_MAX];

	say(channel, bytes, signer_request_write(request, bytes));
}

static void say_hello(int channel)
{
	struct signer_request hello = { .message = SIGNER_HELLO };
	EVP_PKEY *key = mint_key();

	assert_non_null(key);
	assert_true(mint_spki(hello.spki, key));
	EVP_PKEY_free(key);
	say_request(channel, &hello);
}

/* Greets; returns the length of the answer, which has the certificate. */
static size_t greet(int channel, uint8_t answer[SIGNER_ANSWER_MAX])
{
	size_t len;

	say_hello(channel);
	len = hear(channel, answer);
	assert_true(len > 1);
	assert_int_equal(answer[0], SIGNER_HELLO);
	return len;
}

static void say_sign(int channel, uint32_t id, enum ca_quota quota)
{
	const struct signer_request request = {
		.message = SIGNER_SIGN,
		.id = id,
		.quota = quota,
		.name = domain("example.org"),
	};

	say_request(channel, &request);
}

/* Asks for a leaf; returns the status of the answer, which must be whole. */
static enum signer_status ask(int channel, enum ca_quota quota)
{
	uint8_t answer[SIGNER_ANSWER_MAX];
	size_t len;

	say_sign(channel, 0x01020304, quota);
	len = hear(channel, answer);
	assert_true(len >= 6);
	assert_memory_equal(answer, "\2\1\2\3\4", 5);
	assert_int_equal(len > 6, answer[5] == SIGNER_SIGNED);
	return answer[5];
}

static void a_channel_is_closed_for_what_no_worker_says(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} refused[] = {
#define BAD(text) { text, sizeof(text) - 1 }
		BAD("\0"),
		BAD("\3"),
		BAD("\377anything"),
		BAD("\2"),
		BAD("\2\0\0\0\1"),
		BAD("\2\0\0\0\1\1"),
		BAD("\2\0\0\0\1\2example.org"),
		BAD("\2\0\0\0\1\377example.org"),
		BAD("\2\0\0\0\1\1Example.org"),
		BAD("\2\0\0\0\1\1example.org."),
		BAD("\2\0\0\0\1\1example.org\0"),
		BAD("\2\0\0\0\1\1example.org\0.evil.org"),
		BAD("\2\0\0\0\1\1*.example.org"),
		BAD("\2\0\0\0\1\1example.org,DNS:evil.org"),
		BAD("\2\0\0\0\1\1 example.org"),
		BAD("\2\0\0\0\1\1"
		    "10.0.0.1"),
		BAD(""),
#undef BAD
	};
	uint8_t answer[SIGNER_ANSWER_MAX];
	const size_t n = sizeof(refused) / sizeof(*refused);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct rig rig = start(vault_new());

		(void)greet(rig.channels[0], answer);
		(void)greet(rig.channels[1], answer);
		say(rig.channels[0], refused[i].bytes, refused[i].len);
		if (hear(rig.channels[0], answer) != 0)
			fail_msg("request %zu was answered", i);
		/* The other one goes on. */
		assert_int_equal(ask(rig.channels[1], CA_QUOTA_WORK),
				 SIGNER_SIGNED);
		say_hello(rig.channels[1]); /* a second one is refused too */
		assert_int_equal(hear(rig.channels[1], answer), 0);
		assert_int_equal(reap(&rig), 0);
		stop(&rig);
	}
}

static void a_worker_greets_before_it_asks(void **state)
{
	uint8_t answer[SIGNER_ANSWER_MAX];
	uint8_t no_key[1 + MINT_SPKI_LEN] = { SIGNER_HELLO };
	struct rig rig = start(vault_new());

	(void)state;
	say_sign(rig.channels[0], 1, CA_QUOTA_WORK);
	assert_int_equal(hear(rig.channels[0], answer), 0);
	say(rig.channels[1], no_key, sizeof(no_key));
	assert_int_equal(hear(rig.channels[1], answer), 0);
	assert_int_equal(reap(&rig), 0);
	stop(&rig);
}

static void the_longest_request_is_taken_and_no_longer_one(void **state)
{
	uint8_t bytes[SIGNER_REQUEST_MAX + 1], answer[SIGNER_ANSWER_MAX];
	struct signer_request request = { .message = SIGNER_SIGN };
	char name[DOMAIN_MAX + 1] = "";
	struct rig rig = start(vault_new());

	(void)state;
	memset(name, 'a', DOMAIN_MAX);
	for (size_t i = 60; i < DOMAIN_MAX; i += 61)
		name[i] = '.';
	request.name = domain(name);
	(void)greet(rig.channels[0], answer);
	assert_int_equal(signer_request_write(&request, bytes),
			 SIGNER_REQUEST_MAX);
	say(rig.channels[0], bytes, SIGNER_REQUEST_MAX);
	assert_true(hear(rig.channels[0], answer) > 6);
	assert_int_equal(answer[5], SIGNER_SIGNED);
	bytes[SIGNER_REQUEST_MAX] = 'a';
	say(rig.channels[0], bytes, SIGNER_REQUEST_MAX + 1);
	assert_int_equal(hear(rig.channels[0], answer), 0);
	stop(&rig);
}

static void refusals_have_a_quota_apart_from_work(void **state)
{
	uint8_t answer[SIGNER_ANSWER_MAX];
	struct rig rig = start(vault_new());
	int signed_leaves = 0;

	(void)state;
	(void)greet(rig.channels[0], answer);
	(void)greet(rig.channels[1], answer);
	for (int i = 0; i < 2 * SIGNER_REFUSAL_BURST; i++)
		if (ask(rig.channels[0], CA_QUOTA_REFUSAL) == SIGNER_SIGNED)
			signed_leaves++;
	assert_true(signed_leaves >= SIGNER_REFUSAL_BURST);
	assert_true(signed_leaves < 2 * SIGNER_REFUSAL_BURST);
	assert_int_equal(ask(rig.channels[0], CA_QUOTA_WORK), SIGNER_SIGNED);
	/* And each worker has its own. */
	assert_int_equal(ask(rig.channels[1], CA_QUOTA_REFUSAL), SIGNER_SIGNED);
	stop(&rig);
}

static void a_quota_fills_again_with_time(void **state)
{
	uint8_t answer[SIGNER_ANSWER_MAX];
	struct rig rig = start(vault_new());
	int tries = 0;

	(void)state;
	(void)greet(rig.channels[0], answer);
	while (ask(rig.channels[0], CA_QUOTA_REFUSAL) == SIGNER_SIGNED)
		assert_true(++tries < 10 * SIGNER_REFUSAL_BURST);
	tries = 0;
	while (ask(rig.channels[0], CA_QUOTA_REFUSAL) == SIGNER_REFUSED)
		assert_true(++tries < 1000000);
	stop(&rig);
}

static void a_worker_that_does_not_read_holds_nobody_up(void **state)
{
	uint8_t answer[SIGNER_ANSWER_MAX];
	struct rig rig = start(vault_new());
	struct pollfd polled = { .fd = rig.channels[0], .events = POLLOUT };
	uint32_t sent = 0, heard = 0;
	size_t len;

	(void)state;
	(void)greet(rig.channels[0], answer);
	(void)greet(rig.channels[1], answer);
	/*
	 * Until the signer has stopped reading and the socket is full: of
	 * which the only sign is that nothing happens for a while.
	 */
	while (poll(&polled, 1, 200) == 1)
		say_sign(rig.channels[0], sent++, CA_QUOTA_WORK);
	assert_int_equal(ask(rig.channels[1], CA_QUOTA_WORK), SIGNER_SIGNED);
	for (; heard < sent; heard++) {
		len = hear(rig.channels[0], answer);
		assert_true(len >= 6);
		assert_int_equal(answer[1] << 24 | answer[2] << 16 |
					 answer[3] << 8 | answer[4],
				 heard);
	}
	assert_int_equal(ask(rig.channels[1], CA_QUOTA_WORK), SIGNER_SIGNED);
	stop(&rig);
}

/* --- the vault --- */

static void the_authority_outlives_a_signer(void **state)
{
	uint8_t first[SIGNER_ANSWER_MAX], second[SIGNER_ANSWER_MAX];
	struct rig rig = start(vault_new()), again;
	size_t len = greet(rig.channels[0], first);

	(void)state;
	kill_signer(&rig);
	again = start(dup(rig.vault));
	assert_int_equal(greet(again.channels[0], second), len);
	assert_memory_equal(first, second, len);
	assert_int_equal(ask(again.channels[0], CA_QUOTA_WORK), SIGNER_SIGNED);
	stop(&again);
	stop(&rig);
}

static void two_vaults_hold_two_authorities(void **state)
{
	uint8_t first[SIGNER_ANSWER_MAX], second[SIGNER_ANSWER_MAX];
	struct rig rig = start(vault_new());
	size_t len = greet(rig.channels[0], first);

	(void)state;
	stop(&rig);
	rig = start(vault_new());
	assert_true(greet(rig.channels[0], second) != len ||
		    memcmp(first, second, len) != 0);
	stop(&rig);
}

static void nobody_writes_to_a_whole_vault(void **state)
{
	uint8_t answer[SIGNER_ANSWER_MAX];
	struct rig rig = start(vault_new());

	(void)state;
	(void)greet(rig.channels[0], answer);
	assert_int_equal(pwrite(rig.vault, "x", 1, 0), -1);
	assert_int_equal(ftruncate(rig.vault, 0), -1);
	assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			      rig.vault, 0),
			 MAP_FAILED);
	stop(&rig);
}

/* As one would be left by a signer that was killed while it wrote. */
static void a_vault_that_is_not_whole_counts_as_empty(void **state)
{
	uint8_t answer[SIGNER_ANSWER_MAX], junk[300];
	int vault = vault_new();
	struct rig rig;

	(void)state;
	memset(junk, 0xaa, sizeof(junk));
	assert_int_equal(pwrite(vault, junk, sizeof(junk), 0), sizeof(junk));
	rig = start(vault);
	(void)greet(rig.channels[0], answer);
	assert_int_equal(ask(rig.channels[0], CA_QUOTA_WORK), SIGNER_SIGNED);
	stop(&rig);
}

static void a_signer_does_not_start_from_a_bad_vault(void **state)
{
	uint8_t junk[8192], answer[SIGNER_ANSWER_MAX];
	off_t size;
	int vault = vault_new();
	struct rig rig;

	(void)state;
	size = lseek(vault, 0, SEEK_END);
	assert_true(size > 0 && size <= (off_t)sizeof(junk));
	memset(junk, 1, sizeof(junk)); /* "complete", too */
	assert_int_equal(pwrite(vault, junk, (size_t)size, 0), size);
	rig = start(vault);
	assert_int_equal(hear(rig.channels[0], answer), 0);
	assert_int_equal(reap(&rig), EXIT_FAILURE);
	stop(&rig);
	rig = start(memfd_create("not a vault", MFD_CLOEXEC));
	assert_int_equal(reap(&rig), EXIT_FAILURE);
	stop(&rig);
}

/* The right certificate with another key is found out before it is used. */
static void the_halves_of_a_vault_belong_together(void **state)
{
	uint8_t whole[8192], answer[SIGNER_ANSWER_MAX];
	struct rig rig = start(vault_new());
	ssize_t size;
	int vault = vault_new();

	(void)state;
	(void)greet(rig.channels[0], answer);
	size = pread(rig.vault, whole, sizeof(whole), 0);
	assert_true(size > 64);
	stop(&rig);
	whole[16] ^= 1; /* in the key, after magic, version and length */
	assert_int_equal(pwrite(vault, whole, (size_t)size, 0), size);
	rig = start(vault);
	assert_int_equal(reap(&rig), EXIT_FAILURE);
	stop(&rig);
}

/* --- ca.h --- */

struct waiter {
	struct ca_wait wait;
	struct ca *ca;
	struct ca_wait *forget; /* another one, from within done() */
	int called;
	X509 *leaf;
};

struct loop {
	struct event_base *base;
	struct event *deadline;
	struct ca *ca;
};

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	fail_msg("what was waited for did not come");
}

/* Over the rig's first channel. */
static struct loop loop_start(struct rig *rig)
{
	const struct timeval limit = { WAIT_MS / 1000, 0 };
	struct loop loop = { .base = event_base_new() };

	assert_non_null(loop.base);
	loop.deadline = evtimer_new(loop.base, on_deadline, NULL);
	assert_non_null(loop.deadline);
	assert_int_equal(event_add(loop.deadline, &limit), 0);
	loop.ca = ca_new(rig->channels[0]);
	rig->channels[0] = -1;
	assert_non_null(loop.ca);
	assert_int_equal(ca_start(loop.ca, loop.base), 0);
	return loop;
}

static void loop_stop(struct loop *loop)
{
	ca_free(loop->ca);
	event_free(loop->deadline);
	event_base_free(loop->base);
}

static void on_done(struct ca_wait *wait, X509 *leaf)
{
	struct waiter *waiter = (struct waiter *)(void *)wait;

	waiter->called++;
	waiter->leaf = leaf;
	if (leaf)
		assert_true(X509_up_ref(leaf));
	if (waiter->forget)
		ca_forget(waiter->ca, waiter->forget);
}

static X509 *want(struct loop *loop, struct waiter *waiter, struct domain name,
		  enum ca_quota quota)
{
	X509 *leaf;

	waiter->ca = loop->ca;
	waiter->wait.done = on_done;
	leaf = ca_leaf(loop->ca, &name, quota, &waiter->wait);
	assert_int_equal(waiter->called, 0); /* not before it returns */
	return leaf;
}

static void wait_until_called(struct loop *loop, const struct waiter *waiter)
{
	while (!waiter->called)
		assert_int_equal(event_base_loop(loop->base, EVLOOP_ONCE), 0);
	assert_int_equal(waiter->called, 1);
}

/* Asks and waits; the leaf is the caller's. */
static X509 *get(struct loop *loop, struct domain name, enum ca_quota quota)
{
	struct waiter waiter = { .called = 0 };
	X509 *leaf = want(loop, &waiter, name, quota);

	if (leaf) {
		assert_true(X509_up_ref(leaf));
		return leaf;
	}
	wait_until_called(loop, &waiter);
	return waiter.leaf;
}

static void a_leaf_is_for_the_name_and_the_key(void **state)
{
	struct rig rig = start(vault_new());
	struct loop loop = loop_start(&rig);
	X509 *leaf = get(&loop, domain("www.example.org"), CA_QUOTA_WORK);
	X509 *kept;
	struct waiter waiter = { .called = 0 };

	(void)state;
	assert_non_null(leaf);
	assert_int_equal(X509_check_host(leaf, "www.example.org", 0, 0, NULL),
			 1);
	assert_int_equal(X509_check_host(leaf, "example.org", 0, 0, NULL), 0);
	assert_int_equal(X509_check_private_key(leaf, ca_leaf_key(loop.ca)), 1);
	assert_int_equal(X509_verify(leaf,
				     X509_get0_pubkey(ca_certificate(loop.ca))),
			 1);
	/* The same for a refusal, without asking. */
	kept = want(&loop, &waiter, domain("www.example.org"),
		    CA_QUOTA_REFUSAL);
	assert_ptr_equal(kept, leaf);
	assert_null(waiter.wait.asked);
	X509_free(leaf);
	loop_stop(&loop);
	stop(&rig);
}

static void the_pem_is_the_certificate(void **state)
{
	struct rig rig = start(vault_new());
	struct loop loop = loop_start(&rig);
	BIO *bio = BIO_new_mem_buf(ca_pem(loop.ca), -1);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	(void)state;
	assert_non_null(cert);
	assert_int_equal(X509_cmp(cert, ca_certificate(loop.ca)), 0);
	X509_free(cert);
	BIO_free(bio);
	loop_stop(&loop);
	stop(&rig);
}

static void all_who_wait_for_a_name_get_one_leaf(void **state)
{
	struct rig rig = start(vault_new());
	struct loop loop = loop_start(&rig);
	struct waiter waiters[5] = { { .called = 0 } };

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_null(want(&loop, &waiters[i], domain("example.org"),
				 CA_QUOTA_WORK));
	/* One that leaves before the answer, and one while it is given. */
	ca_forget(loop.ca, &waiters[2].wait);
	waiters[0].forget = &waiters[3].wait;
	wait_until_called(&loop, &waiters[4]);
	assert_non_null(waiters[4].leaf);
	assert_ptr_equal(waiters[0].leaf, waiters[4].leaf);
	assert_ptr_equal(waiters[1].leaf, waiters[4].leaf);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(waiters[i].called, i != 2 && i != 3);
		assert_null(waiters[i].wait.asked);
		X509_free(waiters[i].leaf);
	}
	loop_stop(&loop);
	stop(&rig);
}

static void an_answer_that_nobody_waits_for_is_kept(void **state)
{
	struct rig rig = start(vault_new());
	struct loop loop = loop_start(&rig);
	struct waiter gone = { .called = 0 }, waiter = { .called = 0 };

	(void)state;
	assert_null(want(&loop, &gone, domain("a.org"), CA_QUOTA_WORK));
	ca_forget(loop.ca, &gone.wait);
	ca_forget(loop.ca, &gone.wait);
	assert_null(want(&loop, &waiter, domain("b.org"), CA_QUOTA_WORK));
	wait_until_called(&loop, &waiter); /* it comes after the first */
	assert_int_equal(gone.called, 0);
	assert_non_null(want(&loop, &gone, domain("a.org"), CA_QUOTA_WORK));
	X509_free(waiter.leaf);
	loop_stop(&loop);
	stop(&rig);
}

static void a_used_up_quota_is_not_remembered_for_work(void **state)
{
	struct rig rig = start(vault_new());
	struct loop loop = loop_start(&rig);
	struct waiter refusal = { .called = 0 }, work = { .called = 0 };
	X509 *leaf;
	unsigned i = 0;

	(void)state;
	while ((leaf = get(&loop, numbered(i++), CA_QUOTA_REFUSAL))) {
		X509_free(leaf);
		assert_true(i < 10 * SIGNER_REFUSAL_BURST);
	}
	assert_true(i > SIGNER_REFUSAL_BURST);
	leaf = get(&loop, numbered(i - 1), CA_QUOTA_WORK);
	assert_non_null(leaf);
	X509_free(leaf);
	/* Nor is who waits for work answered with a refusal's answer. */
	while (!refusal.called || refusal.leaf) {
		X509_free(refusal.leaf);
		X509_free(work.leaf);
		refusal = work = (struct waiter){ .called = 0 };
		assert_null(
			want(&loop, &refusal, numbered(++i), CA_QUOTA_REFUSAL));
		assert_null(want(&loop, &work, numbered(i), CA_QUOTA_WORK));
		wait_until_called(&loop, &work);
		assert_int_equal(refusal.called, 1);
		assert_non_null(work.leaf);
	}
	X509_free(work.leaf);
	loop_stop(&loop);
	stop(&rig);
}

/* 1024 names fit: so many of either quota that both suffice. */
static void names_asked_for_and_leaves_kept_have_a_maximum(void **state)
{
	struct rig rig = start(vault_new());
	struct loop loop = loop_start(&rig);
	struct waiter *waiters = calloc(CA_WAITS_MAX, sizeof(*waiters));
	struct waiter above = { .called = 0 }, again = { .called = 0 };
	X509 *leaf;
	unsigned i;

	(void)state;
	assert_non_null(waiters);
	for (i = 0; i < CA_WAITS_MAX; i++)
		assert_null(want(&loop, &waiters[i], numbered(i),
				 i % 8 ? CA_QUOTA_WORK : CA_QUOTA_REFUSAL));
	assert_null(want(&loop, &above, numbered(i), CA_QUOTA_WORK));
	wait_until_called(&loop, &above);
	assert_null(above.leaf);
	wait_until_called(&loop, &waiters[i - 1]);
	for (i = 0; i < CA_WAITS_MAX; i++) {
		assert_non_null(waiters[i].leaf);
		X509_free(waiters[i].leaf);
	}
	free(waiters);
	assert_int_equal(CA_LEAVES_MAX, CA_WAITS_MAX);
	assert_non_null(want(&loop, &again, numbered(0), CA_QUOTA_WORK));
	leaf = get(&loop, domain("one.more.org"), CA_QUOTA_WORK);
	assert_non_null(leaf);
	X509_free(leaf);
	/* The one used least lately had to go. */
	assert_non_null(want(&loop, &again, numbered(0), CA_QUOTA_WORK));
	assert_null(want(&loop, &again, numbered(1), CA_QUOTA_WORK));
	ca_forget(loop.ca, &again.wait);
	loop_stop(&loop);
	stop(&rig);
}

static void without_a_signer_there_is_no_leaf(void **state)
{
	struct rig rig = start(vault_new());
	struct loop loop = loop_start(&rig);
	struct waiter waiters[3] = { { .called = 0 } };
	struct waiter late = { .called = 0 }, gone = { .called = 0 };
	X509 *leaf = get(&loop, domain("kept.org"), CA_QUOTA_WORK);

	(void)state;
	assert_non_null(leaf);
	X509_free(leaf);
	assert_int_equal(kill(rig.pid, SIGSTOP), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_null(want(&loop, &waiters[i], numbered(i / 2),
				 CA_QUOTA_WORK));
	kill_signer(&rig);
	/* This one finds out while it asks, and is not called meanwhile. */
	assert_null(want(&loop, &late, domain("late.org"), CA_QUOTA_WORK));
	assert_null(want(&loop, &gone, domain("gone.org"), CA_QUOTA_WORK));
	ca_forget(loop.ca, &gone.wait);
	wait_until_called(&loop, &late);
	for (unsigned i = 0; i < 3; i++) {
		wait_until_called(&loop, &waiters[i]);
		assert_null(waiters[i].leaf);
	}
	assert_null(late.leaf);
	assert_int_equal(gone.called, 0);
	assert_null(get(&loop, domain("later.org"), CA_QUOTA_WORK));
	loop_stop(&loop);
	stop(&rig);
}

/* A signer that is someone else: @answer to whatever is asked. */
static void nonsense_is_no_leaf(void **state)
{
	static const char *const answers[] = {
		"\2", "\2....\1", "\1....\1....", "\3", "",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		struct rig rig = start(vault_new());
		uint8_t answer[SIGNER_ANSWER_MAX];
		size_t len = greet(rig.channels[1], answer);
		int pair[2];
		struct loop loop;
		struct waiter waiter = { .called = 0 };

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair),
				 0);
		say(pair[1], answer, len); /* it waits for ca_new() */
		close_channel(&rig, 0);
		rig.channels[0] = pair[0];
		loop = loop_start(&rig);
		assert_null(
			want(&loop, &waiter, domain("a.org"), CA_QUOTA_WORK));
		say(pair[1], answers[i], strlen(answers[i]));
		wait_until_called(&loop, &waiter);
		assert_null(waiter.leaf);
		loop_stop(&loop);
		(void)close(pair[1]);
		stop(&rig);
	}
}

/* Our own answer to the question with @id: a leaf as it is minted @now. */
static void say_leaf(int channel, uint8_t id, struct mint *mint,
		     const struct ca *ca, time_t now)
{
	uint8_t answer[SIGNER_ANSWER_MAX] = { SIGNER_SIGN, 0,  0,
					      0,           id, SIGNER_SIGNED };
	struct domain name = domain("example.org");
	uint8_t spki[MINT_SPKI_LEN];
	size_t len;

	assert_true(mint_spki(spki, ca_leaf_key(ca)));
	len = mint_leaf(mint, &name, spki, now, answer + 6);
	assert_true(len > 0);
	say(channel, answer, 6 + len);
}

static void a_leaf_is_not_shown_on_its_last_day(void **state)
{
	const int64_t left_s[] = { 86400 - 60, 86400 + 60 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const time_t now = time(NULL);
		/* Its end is the authority's, which was made long ago. */
		const time_t made = now + left_s[i] - MINT_CA_LIFE_S;
		uint8_t answer[SIGNER_ANSWER_MAX] = { SIGNER_HELLO };
		uint8_t *at = answer + 1;
		struct waiter waiter = { .called = 0 };
		struct rig rig = { .vault = -1, .channels = { -1, -1 } };
		EVP_PKEY *key = mint_key();
		X509 *authority = mint_authority(key, made);
		struct mint *mint = mint_new(authority, key);
		struct loop loop;
		int pair[2], len = i2d_X509(authority, &at);

		assert_non_null(mint);
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair),
				 0);
		say(pair[1], answer, 1 + (size_t)len);
		rig.channels[0] = pair[0];
		loop = loop_start(&rig);
		assert_null(want(&loop, &waiter, domain("example.org"),
				 CA_QUOTA_WORK));
		say_leaf(pair[1], 0, mint, loop.ca, now);
		wait_until_called(&loop, &waiter);
		assert_non_null(waiter.leaf);
		X509_free(waiter.leaf);
		waiter.called = 0;
		/* Kept, or asked for again. */
		assert_int_equal(want(&loop, &waiter, domain("example.org"),
				      CA_QUOTA_WORK) != NULL,
				 left_s[i] > 86400);
		assert_int_equal(waiter.wait.asked != NULL, left_s[i] < 86400);
		ca_forget(loop.ca, &waiter.wait);
		loop_stop(&loop);
		(void)close(pair[1]);
		mint_free(mint);
		X509_free(authority);
		EVP_PKEY_free(key);
	}
}

static void ca_new_fails_without_a_signer(void **state)
{
	static const char *const answers[] = { "", "\1", "\1nonsense", "\2" };
	int pair[2];

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair),
				 0);
		say(pair[1], answers[i], strlen(answers[i]));
		assert_null(ca_new(pair[0]));
		(void)close(pair[1]);
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	(void)close(pair[1]);
	assert_null(ca_new(pair[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_channel_is_closed_for_what_no_worker_says),
		cmocka_unit_test(a_worker_greets_before_it_asks),
		cmocka_unit_test(
			the_longest_request_is_taken_and_no_longer_one),
		cmocka_unit_test(refusals_have_a_quota_apart_from_work),
		cmocka_unit_test(a_quota_fills_again_with_time),
		cmocka_unit_test(a_worker_that_does_not_read_holds_nobody_up),
		cmocka_unit_test(the_authority_outlives_a_signer),
		cmocka_unit_test(two_vaults_hold_two_authorities),
		cmocka_unit_test(nobody_writes_to_a_whole_vault),
		cmocka_unit_test(a_vault_that_is_not_whole_counts_as_empty),
		cmocka_unit_test(a_signer_does_not_start_from_a_bad_vault),
		cmocka_unit_test(the_halves_of_a_vault_belong_together),
		cmocka_unit_test(a_leaf_is_for_the_name_and_the_key),
		cmocka_unit_test(the_pem_is_the_certificate),
		cmocka_unit_test(all_who_wait_for_a_name_get_one_leaf),
		cmocka_unit_test(an_answer_that_nobody_waits_for_is_kept),
		cmocka_unit_test(a_used_up_quota_is_not_remembered_for_work),
		cmocka_unit_test(
			names_asked_for_and_leaves_kept_have_a_maximum),
		cmocka_unit_test(without_a_signer_there_is_no_leaf),
		cmocka_unit_test(nonsense_is_no_leaf),
		cmocka_unit_test(a_leaf_is_not_shown_on_its_last_day),
		cmocka_unit_test(ca_new_fails_without_a_signer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
