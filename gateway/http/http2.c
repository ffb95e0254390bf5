#include "http2.h"

#include "cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include <nghttp2/nghttp2.h>

#define FRAME_HEAD 9 /* RFC 9113 4.1 */

/* Above this there is no sense in decoding on (HPACK makes much of little). */
#define HEAD_FATAL ((size_t)4 * HTTP_HEAD_MAX)

#define FRAME_MAX 16384 /* bytes: what a peer may send that was told nothing */

struct stream_state {
	LIST_ENTRY(stream_state) link;
	int32_t stream;
	void *owner;
	bool head_done;    /* the final one */
	bool tunnel;       /* RFC 9113 8.5: DATA, and no trailers */
	bool reset_here;   /* by http2_reset() */
	bool anomalous;    /* reset for what the peer sent */
	bool ended_here;   /* our END_STREAM is out */
	bool stop_peer;    /* is to send no more after that */
	size_t kept_up;    /* bytes given since the window was widened */
	size_t queued;     /* of heads that wait to be sent, */
	unsigned n_queued; /* so many */
};

LIST_HEAD(stream_list, stream_state);

struct http2 {
	nghttp2_session *session;
	enum http2_side side;
	const struct http2_events *events;
	void *arg;
	struct stream_list streams;
	struct http2_head head; /* of the header block that is being read */
	bool reading_head;
	uint8_t frame[FRAME_HEAD]; /* the head of the next frame, */
	size_t frame_len;          /* of which so much is there, */
	size_t skip;               /* once this is read of the last */
	unsigned empty, anomalies;
	size_t consumed; /* and not yet given back to the peer */
	size_t queued;   /* of heads that wait, of all streams */
	bool heard;      /* the peer's SETTINGS */
	bool offers_websockets;
	bool shut, failed;
};

static struct stream_state *state_of(struct http2 *http2, int32_t stream)
{
	struct stream_state *state =
		nghttp2_session_get_stream_user_data(http2->session, stream);

	/* A request that waits to be sent is no stream of nghttp2's yet. */
	if (!state && http2->side == HTTP2_TO_ORIGIN)
		LIST_FOREACH (state, &http2->streams, link)
			if (state->stream == stream)
				break;
	return state;
}

static void state_free(struct http2 *http2, struct stream_state *state)
{
	http2->queued -= state->queued;
	LIST_REMOVE(state, link);
	free(state);
}

static struct stream_state *state_new(struct http2 *http2)
{
	struct stream_state *state = calloc(1, sizeof(*state));

	if (state)
		LIST_INSERT_HEAD(&http2->streams, state, link);
	return state;
}

/* --- what a connection may cost --- */

void http2_end(struct http2 *http2, uint32_t code)
{
	if (http2->failed)
		return;
	if (nghttp2_session_terminate_session(http2->session, code) != 0)
		http2->failed = true;
}

void http2_shut(struct http2 *http2)
{
	int32_t last = nghttp2_session_get_last_proc_stream_id(http2->session);

	if (http2->shut || http2->failed)
		return;
	http2->shut = true;
	if (nghttp2_submit_goaway(http2->session, NGHTTP2_FLAG_NONE, last,
				  HTTP2_NO_ERROR, NULL, 0) != 0)
		http2->failed = true;
}

/*
 * Counts the frames in what is about to be read, but for DATA that has some:
 * nghttp2 passes over those of kinds that it does not know and of streams
 * that are over, and says so nowhere.
 */
static void count_frames(struct http2 *http2, const uint8_t *bytes, size_t len)
{
	struct cursor c = cursor_over(bytes, len), head;
	size_t n;

	while (cursor_left(&c) > 0) {
		n = cursor_left(&c) < http2->skip ? cursor_left(&c)
						  : http2->skip;
		http2->skip -= n;
		(void)cursor_bytes(&c, n);
		while (cursor_left(&c) > 0 && http2->frame_len < FRAME_HEAD)
			http2->frame[http2->frame_len++] = cursor_u8(&c);
		if (http2->frame_len < FRAME_HEAD)
			return;
		head = cursor_over(http2->frame, FRAME_HEAD);
		http2->skip = cursor_u24(&head);
		if (cursor_u8(&head) != NGHTTP2_DATA || http2->skip == 0)
			http2->empty++;
		http2->frame_len = 0;
	}
}

static void carried_something(struct http2 *http2)
{
	http2->empty -= http2->empty < HTTP2_EMPTY_FORGIVEN
				? http2->empty
				: HTTP2_EMPTY_FORGIVEN;
}

/* An agent that only has a fault now and then may finish what it began. */
static void misbehaved(struct http2 *http2)
{
	http2->anomalies++;
	if (http2->anomalies == HTTP2_ANOMALIES_MAX)
		http2_end(http2, HTTP2_ENHANCE_YOUR_CALM);
	else if (http2->anomalies == HTTP2_ANOMALIES_MAX / 4 * 3 &&
		 http2->side == HTTP2_TO_AGENT)
		http2_shut(http2);
}

/* --- heads --- */

static int on_begin_headers(nghttp2_session *session,
			    const nghttp2_frame *frame, void *arg)
{
	struct http2 *http2 = arg;
	struct stream_state *state;

	http2_head_reset(&http2->head);
	http2->reading_head = true;
	if (http2->side != HTTP2_TO_AGENT ||
	    frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	state = state_new(http2);
	if (!state)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	state->stream = frame->hd.stream_id;
	return nghttp2_session_set_stream_user_data(session,
						    frame->hd.stream_id, state);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame,
		     const uint8_t *name, size_t name_len, const uint8_t *value,
		     size_t value_len, uint8_t flags, void *arg)
{
	struct http2 *http2 = arg;

	(void)session;
	(void)frame;
	(void)flags;
	if (!http2_head_add(&http2->head, name, name_len, value, value_len))
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	if (http2->head.size > HEAD_FATAL) {
		http2_end(http2, HTTP2_ENHANCE_YOUR_CALM);
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	return 0;
}

/* RFC 9113 4.2; nghttp2 looks at the length of every frame but this. */
static int on_begin_frame(nghttp2_session *session,
			  const nghttp2_frame_hd *frame, void *arg)
{
	(void)session;
	if (frame->type == NGHTTP2_CONTINUATION && frame->length > FRAME_MAX)
		http2_end(arg, HTTP2_FRAME_SIZE_ERROR);
	return 0;
}

/* nghttp2 would leave the field out and go on. */
static int on_invalid_header(nghttp2_session *session,
			     const nghttp2_frame *frame, const uint8_t *name,
			     size_t name_len, const uint8_t *value,
			     size_t value_len, uint8_t flags, void *arg)
{
	struct http2 *http2 = arg;

	(void)session;
	(void)frame;
	(void)name;
	(void)name_len;
	(void)value;
	(void)value_len;
	(void)flags;
	http2->head.unsound = true;
	return 0;
}

static void on_request(struct http2 *http2, const nghttp2_frame *frame,
		       struct stream_state *state)
{
	bool ended = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	struct http_request request;
	unsigned status;
	const char *why;

	state->head_done = true;
	if (http2_request_read(&http2->head, ended, &request, &status, &why)) {
		carried_something(http2);
		state->tunnel = request.wants_websocket;
		http2->events->request(http2->arg, frame->hd.stream_id,
				       &request, ended);
		return;
	}
	misbehaved(http2);
	http2->events->refused(http2->arg, frame->hd.stream_id, status, why);
}

static void is_anomalous(struct http2 *http2, struct stream_state *state)
{
	state->anomalous = true;
	misbehaved(http2);
}

/* Resets a stream for what the peer sent on it. */
static void reset_for_anomaly(struct http2 *http2, struct stream_state *state)
{
	is_anomalous(http2, state);
	if (nghttp2_submit_rst_stream(http2->session, NGHTTP2_FLAG_NONE,
				      state->stream, HTTP2_PROTOCOL_ERROR) != 0)
		http2->failed = true;
}

static void on_response(struct http2 *http2, const nghttp2_frame *frame,
			struct stream_state *state)
{
	bool ended = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	struct http_response response;
	const char *why;

	if (!http2_response_read(&http2->head, ended, &response, &why)) {
		reset_for_anomaly(http2, state);
		return;
	}
	carried_something(http2);
	state->head_done = response.status >= 200;
	if (response.status >= 300)
		state->tunnel = false;
	/* RFC 9110 8.6: there is no length where bytes are tunnelled. */
	if (state->tunnel)
		response.has_content_length = false;
	http2->events->response(state->owner, &response, ended);
}

static void on_trailers(struct http2 *http2, struct stream_state *state)
{
	struct http2_trailers *trailers =
		state->tunnel ? NULL : http2_trailers_read(&http2->head);

	if (!trailers) {
		reset_for_anomaly(http2, state);
		return;
	}
	carried_something(http2);
	http2->events->ended(state->owner, trailers);
}

static void on_head(struct http2 *http2, const nghttp2_frame *frame)
{
	struct stream_state *state = state_of(http2, frame->hd.stream_id);

	http2->reading_head = false;
	if (state && state->owner && http2->events->head && http2->head.len > 0)
		http2->events->head(state->owner, http2->head.bytes,
				    http2->head.len);
	if (state && !state->reset_here && !state->anomalous) {
		if (state->head_done && state->owner)
			on_trailers(http2, state);
		else if (http2->side == HTTP2_TO_AGENT && !state->head_done)
			on_request(http2, frame, state);
		else if (state->owner)
			on_response(http2, frame, state);
	}
	http2_head_reset(&http2->head);
}

/* --- other frames --- */

static void on_data_end(struct http2 *http2, const nghttp2_frame *frame)
{
	struct stream_state *state = state_of(http2, frame->hd.stream_id);
	bool ended = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

	/* Padding is no payload. */
	if (frame->hd.length > 0 && frame->hd.length == frame->data.padlen &&
	    !ended)
		http2->empty++;
	if (ended && state && state->owner && !state->anomalous)
		http2->events->ended(state->owner, NULL);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame,
		    void *arg)
{
	struct http2 *http2 = arg;

	(void)session;
	if (frame->hd.type == NGHTTP2_HEADERS)
		on_head(http2, frame);
	else if (frame->hd.type == NGHTTP2_DATA)
		on_data_end(http2, frame);
	else if (frame->hd.type == NGHTTP2_SETTINGS)
		http2->heard |= !(frame->hd.flags & NGHTTP2_FLAG_ACK);
	else if (frame->hd.type == NGHTTP2_GOAWAY)
		http2->events->goaway(http2->arg);
	return 0;
}

/* A frame that nghttp2 would not have: the stream it is on is reset. */
static int on_invalid_frame(nghttp2_session *session,
			    const nghttp2_frame *frame, int error, void *arg)
{
	struct http2 *http2 = arg;

	(void)session;
	(void)error;
	if (frame->hd.type == NGHTTP2_HEADERS)
		http2->reading_head = false;
	return 0;
}

/*
 * nghttp2 would wait until half of the connection's window is free; but then
 * streams that nobody takes from, and so hold the other half, would stop the
 * rest.
 */
static int consume_connection(struct http2 *http2, size_t len)
{
	size_t consumed = http2->consumed + len;

	http2->consumed = consumed < HTTP2_WINDOW / 2 ? consumed : 0;
	if (http2->consumed > 0 || consumed == 0)
		return 0;
	return nghttp2_submit_window_update(http2->session, NGHTTP2_FLAG_NONE,
					    0, (int32_t)consumed);
}

void http2_consume(struct http2 *http2, int32_t stream, size_t len)
{
	if (nghttp2_session_consume_stream(http2->session, stream, len) < 0 ||
	    consume_connection(http2, len) < 0)
		http2->failed = true;
}

void http2_widen(struct http2 *http2, int32_t stream)
{
	struct stream_state *state = state_of(http2, stream);
	int32_t window = nghttp2_session_get_stream_effective_local_window_size(
		http2->session, stream);

	if (!state || window < 0 || state->kept_up < (size_t)window)
		return;
	state->kept_up = 0;
	window *= 2;
	if (window > HTTP2_WINDOW_MAX)
		window = HTTP2_WINDOW_MAX;
	if (nghttp2_session_set_local_window_size(
		    http2->session, NGHTTP2_FLAG_NONE, stream, window) < 0)
		http2->failed = true;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream,
		   const uint8_t *bytes, size_t len, void *arg)
{
	struct http2 *http2 = arg;
	struct stream_state *state = state_of(http2, stream);

	(void)session;
	(void)flags;
	if (!state || !state->owner || state->anomalous) {
		http2_consume(http2, stream, len);
		return 0;
	}
	carried_something(http2);
	state->kept_up += len;
	http2->events->data(state->owner, bytes, len);
	return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t code,
		    void *arg)
{
	struct http2 *http2 = arg;
	struct stream_state *state = state_of(http2, stream);
	void *owner;
	bool anomalous, had_head;

	if (!state)
		return 0;
	owner = state->owner;
	anomalous = state->anomalous;
	had_head = state->head_done;
	(void)nghttp2_session_set_stream_user_data(session, stream, NULL);
	state_free(http2, state);
	if (owner)
		http2->events->closed(owner, code, anomalous);
	else if (http2->side == HTTP2_TO_AGENT && anomalous && !had_head)
		http2->events->refused(http2->arg, stream, 0,
				       "the head is malformed");
	return 0;
}

/* --- what is sent --- */

static void stop_peer(struct http2 *http2, struct stream_state *state)
{
	if (state->reset_here || nghttp2_session_get_stream_remote_close(
					 http2->session, state->stream) != 0)
		return;
	state->reset_here = true;
	if (nghttp2_submit_rst_stream(http2->session, NGHTTP2_FLAG_NONE,
				      state->stream, HTTP2_NO_ERROR) != 0)
		http2->failed = true;
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame,
		   void *arg)
{
	struct http2 *http2 = arg;
	struct stream_state *state = state_of(http2, frame->hd.stream_id);

	(void)session;
	if (frame->hd.type == NGHTTP2_DATA)
		carried_something(http2);
	if (!state)
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS && state->n_queued > 0 &&
	    --state->n_queued == 0) {
		http2->queued -= state->queued;
		state->queued = 0;
	}
	if (frame->hd.type == NGHTTP2_RST_STREAM && !state->reset_here &&
	    !state->anomalous)
		is_anomalous(http2, state);
	if ((frame->hd.type == NGHTTP2_DATA ||
	     frame->hd.type == NGHTTP2_HEADERS) &&
	    frame->hd.flags & NGHTTP2_FLAG_END_STREAM) {
		state->ended_here = true;
		if (state->stop_peer)
			stop_peer(http2, state);
	}
	return 0;
}

/* nghttp2 copies what it is given, and says so nowhere in its types. */
static uint8_t *without_const(const char *at)
{
	union {
		const char *in;
		uint8_t *out;
	} pointer = { .in = at };

	return pointer.out;
}

/* Compression would keep it, and show whether another is the same. */
static bool is_secret(struct http_text name)
{
	return name.len == 13 && strncasecmp(name.at, "authorization", 13) == 0;
}

static size_t to_nv(const struct http_field *fields, size_t n, nghttp2_nv *nv)
{
	for (size_t i = 0; i < n; i++)
		nv[i] = (nghttp2_nv){
			.name = without_const(fields[i].name.at),
			.namelen = fields[i].name.len,
			.value = without_const(fields[i].value.at),
			.valuelen = fields[i].value.len,
			.flags = is_secret(fields[i].name)
					 ? NGHTTP2_NV_FLAG_NO_INDEX
					 : NGHTTP2_NV_FLAG_NONE,
		};
	return n;
}

static ssize_t on_take(nghttp2_session *session, int32_t stream, uint8_t *bytes,
		       size_t cap, uint32_t *flags, nghttp2_data_source *source,
		       void *arg)
{
	struct http2 *http2 = arg;
	struct stream_state *state = state_of(http2, stream);
	struct http2_end end = { 0 };
	nghttp2_nv nv[HTTP_FIELDS_MAX];
	size_t n;
	int error = 0;

	(void)source;
	if (!state || !state->owner)
		return NGHTTP2_ERR_DEFERRED;
	n = http2->events->take(state->owner, bytes, cap, &end);
	if (!end.ended)
		return n > 0 ? (ssize_t)n : NGHTTP2_ERR_DEFERRED;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (end.trailers && end.trailers->n > 0) {
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		error = nghttp2_submit_trailer(session, stream, nv,
					       to_nv(end.trailers->fields,
						     end.trailers->n, nv));
	}
	free(end.trailers);
	return error ? NGHTTP2_ERR_CALLBACK_FAILURE : (ssize_t)n;
}

static const nghttp2_data_provider provider = { .read_callback = on_take };

/* --- the life of a connection --- */

static nghttp2_session_callbacks *callbacks_new(void)
{
	nghttp2_session_callbacks *callbacks;

	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		return NULL;
	nghttp2_session_callbacks_set_on_begin_headers_callback(
		callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks,
							      on_begin_frame);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback(
		callbacks, on_invalid_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks,
							     on_frame);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
		callbacks, on_invalid_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks,
								  on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks,
							       on_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks,
							     on_sent);
	return callbacks;
}

static nghttp2_option *option_new(enum http2_side side)
{
	nghttp2_option *option;

	if (nghttp2_option_new(&option) != 0)
		return NULL;
	nghttp2_option_set_no_auto_window_update(option, 1);
	nghttp2_option_set_no_closed_streams(option, 1);
	nghttp2_option_set_stream_reset_rate_limit(option, HTTP2_RESETS_BURST,
						   HTTP2_RESETS_PER_S);
	nghttp2_option_set_max_continuations(option, HTTP2_CONTINUATIONS_MAX);
	nghttp2_option_set_max_outbound_ack(option, HTTP2_ACKS_MAX);
	nghttp2_option_set_max_send_header_block_length(
		option, (size_t)2 * HTTP_HEAD_MAX);
	/* Blanks around a response's values are cut; in requests, a fault. */
	if (side == HTTP2_TO_ORIGIN)
		nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(
			option, 1);
	return option;
}

static int say_settings(struct http2 *http2)
{
	static const nghttp2_settings_entry entries[] = {
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP2_WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP_HEAD_MAX },
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, HTTP2_STREAMS_MAX },
	};
	/* The third is a client's to say, the fourth a server's. */
	nghttp2_settings_entry said[3] = {
		entries[0], entries[1],
		entries[http2->side == HTTP2_TO_ORIGIN ? 2 : 3]
	};
	int error = nghttp2_submit_settings(http2->session, NGHTTP2_FLAG_NONE,
					    said, 3);

	if (error == 0)
		error = nghttp2_session_set_local_window_size(
			http2->session, NGHTTP2_FLAG_NONE, 0,
			HTTP2_CONNECTION_WINDOW);
	return error;
}

struct http2 *http2_new(enum http2_side side, const struct http2_events *events,
			void *arg)
{
	struct http2 *http2 = calloc(1, sizeof(*http2));
	nghttp2_session_callbacks *callbacks = callbacks_new();
	nghttp2_option *option = option_new(side);
	int error = NGHTTP2_ERR_NOMEM;

	if (http2 && callbacks && option) {
		http2->side = side;
		if (side == HTTP2_TO_AGENT)
			http2->skip = NGHTTP2_CLIENT_MAGIC_LEN;
		http2->events = events;
		http2->arg = arg;
		LIST_INIT(&http2->streams);
		error = side == HTTP2_TO_AGENT
				? nghttp2_session_server_new2(&http2->session,
							      callbacks, http2,
							      option)
				: nghttp2_session_client_new2(&http2->session,
							      callbacks, http2,
							      option);
		if (error == 0)
			error = say_settings(http2);
	}
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	if (error == 0)
		return http2;
	http2_free(http2);
	return NULL;
}

void http2_free(struct http2 *http2)
{
	struct stream_state *state, *next;

	if (!http2)
		return;
	nghttp2_session_del(http2->session);
	for (state = LIST_FIRST(&http2->streams); state; state = next) {
		next = LIST_NEXT(state, link);
		free(state);
	}
	http2_head_reset(&http2->head);
	free(http2);
}

bool http2_receive(struct http2 *http2, const uint8_t *bytes, size_t len)
{
	if (http2->failed)
		return false;
	count_frames(http2, bytes, len);
	if (nghttp2_session_mem_recv(http2->session, bytes, len) < 0 ||
	    nghttp2_session_get_outbound_queue_size(http2->session) >
		    HTTP2_QUEUE_MAX)
		http2->failed = true;
	/* Only now is it known which of them carried something. */
	if (http2->empty >= HTTP2_EMPTY_MAX)
		http2_end(http2, HTTP2_ENHANCE_YOUR_CALM);
	return !http2->failed && nghttp2_session_want_read(http2->session);
}

ssize_t http2_pull(struct http2 *http2, const uint8_t **bytes)
{
	ssize_t n;

	if (http2->failed)
		return -EPROTO;
	n = nghttp2_session_mem_send(http2->session, bytes);
	if (n >= 0)
		return n;
	http2->failed = true;
	return -EPROTO;
}

bool http2_is_over(const struct http2 *http2)
{
	return http2->failed || (!nghttp2_session_want_read(http2->session) &&
				 !nghttp2_session_want_write(http2->session));
}

bool http2_is_idle(const struct http2 *http2)
{
	return LIST_EMPTY(&http2->streams);
}

enum http2_websockets http2_websockets(const struct http2 *http2)
{
	if (!http2->heard)
		return HTTP2_WEBSOCKETS_NOT_SAID;
	return nghttp2_session_get_remote_settings(
		       http2->session,
		       NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1
		       ? HTTP2_WEBSOCKETS_TAKEN
		       : HTTP2_WEBSOCKETS_REFUSED;
}

void http2_offer_websockets(struct http2 *http2)
{
	static const nghttp2_settings_entry offer = {
		NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1
	};

	if (http2->offers_websockets)
		return;
	http2->offers_websockets = true;
	if (nghttp2_submit_settings(http2->session, NGHTTP2_FLAG_NONE, &offer,
				    1) != 0)
		http2->failed = true;
}

bool http2_is_reading_head(const struct http2 *http2)
{
	return http2->reading_head;
}

/* --- streams --- */

void http2_own(struct http2 *http2, int32_t stream, void *owner)
{
	struct stream_state *state = state_of(http2, stream);

	if (state)
		state->owner = owner;
}

/* Nobody else keeps a peer that does not read from having them pile up. */
static int queue_head(struct http2 *http2, struct stream_state *state,
		      const struct http2_written *written)
{
	size_t len = 0;

	for (size_t i = 0; i < written->n; i++)
		len += written->fields[i].name.len +
		       written->fields[i].value.len + sizeof(nghttp2_nv);
	if (http2->queued + len > HTTP2_HEADS_MAX)
		return -ENOBUFS;
	http2->queued += len;
	state->queued += len;
	state->n_queued++;
	return 0;
}

int32_t http2_request(struct http2 *http2, const struct http_request *request,
		      bool ended, void *owner)
{
	struct stream_state *state = state_new(http2);
	struct http2_written written;
	nghttp2_nv nv[HTTP2_FIELDS_MAX];
	int32_t stream;

	if (!state)
		return -ENOMEM;
	state->owner = owner;
	state->tunnel = request->wants_websocket;
	http2_request_write(request, &written);
	stream = queue_head(http2, state, &written);
	if (stream == 0)
		stream = nghttp2_submit_request(
			http2->session, NULL, nv,
			to_nv(written.fields, written.n, nv),
			ended ? NULL : &provider, state);
	if (stream > 0) {
		state->stream = stream;
		return stream;
	}
	state_free(http2, state);
	return stream == -ENOBUFS ? -ENOBUFS : -EPROTO;
}

int http2_respond(struct http2 *http2, int32_t stream,
		  const struct http_response *response, bool ended)
{
	struct stream_state *state = state_of(http2, stream);
	struct http2_written written;
	nghttp2_nv nv[HTTP2_FIELDS_MAX];
	size_t n;
	int error;

	if (!state)
		return -ENOENT;
	http2_response_write(response, &written);
	error = queue_head(http2, state, &written);
	if (error < 0)
		return error;
	n = to_nv(written.fields, written.n, nv);
	if (response->status < 200)
		error = nghttp2_submit_headers(http2->session,
					       NGHTTP2_FLAG_NONE, stream, NULL,
					       nv, n, NULL);
	else
		error = nghttp2_submit_response(http2->session, stream, nv, n,
						ended ? NULL : &provider);
	return error ? -EPROTO : 0;
}

void http2_resume(struct http2 *http2, int32_t stream)
{
	/* Not deferred, or gone: then there is nothing to resume. */
	(void)nghttp2_session_resume_data(http2->session, stream);
}

void http2_reset(struct http2 *http2, int32_t stream, uint32_t code)
{
	struct stream_state *state = state_of(http2, stream);

	if (!state || state->reset_here)
		return;
	state->owner = NULL;
	state->reset_here = true;
	if (nghttp2_submit_rst_stream(http2->session, NGHTTP2_FLAG_NONE, stream,
				      code) != 0)
		http2->failed = true;
}

void http2_stop(struct http2 *http2, int32_t stream)
{
	struct stream_state *state = state_of(http2, stream);

	if (!state)
		return;
	state->stop_peer = true;
	if (state->ended_here)
		stop_peer(http2, state);
}

void http2_abandon(struct http2 *http2, uint32_t code)
{
	struct stream_state *state, *next;
	void *owner;

	http2->failed = true;
	for (state = LIST_FIRST(&http2->streams); state; state = next) {
		next = LIST_NEXT(state, link);
		owner = state->owner;
		state->owner = NULL;
		if (owner)
			http2->events->closed(owner, code, false);
	}
}
