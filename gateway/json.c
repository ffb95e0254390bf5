#include "json.h"

#include <stdio.h>
#include <string.h>

static void put(struct json *json, const char *bytes, size_t len)
{
	if (json->full || len >= json->cap - json->len) {
		json->full = true;
		return;
	}
	memcpy(json->bytes + json->len, bytes, len);
	json->len += len;
	json->bytes[json->len] = '\0';
}

static void put_escaped(struct json *json, const uint8_t *in, size_t len)
{
	char code[8];

	for (size_t i = 0; i < len; i++) {
		if (in[i] == '"' || in[i] == '\\') {
			code[0] = '\\';
			code[1] = (char)in[i];
			put(json, code, 2);
		} else if (in[i] >= 0x20 && in[i] < 0x7f) {
			put(json, (const char *)in + i, 1);
		} else {
			(void)snprintf(code, sizeof(code), "\\u%04x", in[i]);
			put(json, code, 6);
		}
	}
}

static void put_key(struct json *json, const char *key)
{
	if (json->comma)
		put(json, ",", 1);
	json->comma = true;
	put(json, "\"", 1);
	put(json, key, strlen(key));
	put(json, "\":", 2);
}

void json_begin(struct json *json, char *bytes, size_t cap)
{
	*json = (struct json){ .bytes = bytes, .cap = cap };
	bytes[0] = '\0';
	put(json, "{", 1);
}

void json_bytes(struct json *json, const char *key, const void *bytes,
		size_t len)
{
	put_key(json, key);
	put(json, "\"", 1);
	put_escaped(json, bytes, len < JSON_STRING_MAX ? len : JSON_STRING_MAX);
	put(json, "\"", 1);
}

void json_text(struct json *json, const char *key, const char *text)
{
	if (text)
		json_bytes(json, key, text, strlen(text));
}

void json_uint(struct json *json, const char *key, uint64_t value)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%llu",
			 (unsigned long long)value);

	put_key(json, key);
	put(json, digits, (size_t)n);
}

void json_flag(struct json *json, const char *key, bool value)
{
	if (!value)
		return;
	put_key(json, key);
	put(json, "true", 4);
}

bool json_end(struct json *json)
{
	put(json, "}", 1);
	return !json->full;
}
