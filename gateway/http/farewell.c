#include "farewell.h"

#include "buffer.h"
#include "flow.h"

#include <errno.h>

void farewell_begin(struct farewell *farewell, struct flow *flow)
{
	farewell->begun = true;
	flow_deadline(flow, FAREWELL_MS);
}

bool farewell_step(struct farewell *farewell, struct flow *flow,
		   enum reason why)
{
	char scratch[BUFFER_CAP];
	ssize_t n;

	if (!farewell->ending) {
		farewell->ending = true;
		stream_end(&flow->stream);
	}
	n = stream_read(&flow->stream, scratch, sizeof(scratch));
	if (n == -EAGAIN)
		return false;
	if (n > 0)
		farewell->dropped += (size_t)n;
	if (n <= 0 || farewell->dropped > FAREWELL_BYTES)
		flow_close(flow, why, n < 0);
	return true;
}
