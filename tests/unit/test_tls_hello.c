#include "tls/tls_hello.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- hellos of real programs, as sent --- */

/* `openssl s_client -alpn h2,http/1.1`, OpenSSL 3.0 */
static const char from_openssl[] =
	"160301014e0100014a03037976239e793a2a9f0b04e8dcfb164e6f53301fbaf8"
	"b30cffdd57da80f1ec1a5020c7a9eca7b7610ca029378348988bc12548f922c9"
	"18a8ea6ba7952da126e78215003e130213031301c02cc030009fcca9cca8ccaa"
	"c02bc02f009ec024c028006bc023c0270067c00ac0140039c009c0130033009d"
	"009c003d003c0035002f00ff010000c300000014001200000f616c6c6f776564"
	"2e6578616d706c65000b000403000102000a00160014001d0017001e00190018"
	"01000101010201030104002300000010000e000c02683208687474702f312e31"
	"0016000000170000000d002a0028040305030603080708080809080a080b0804"
	"08050806040105010601030303010302040205020602002b0009080304030303"
	"020301002d00020101003300260024001d00209f32cce30fab02f31170961eea"
	"dd9a1e9ada1a3321ddad3b8783f5f26b37ec22";

/* `curl`, 7.88 */
static const char from_curl[] =
	"1603010200010001fc03039676ae8ba61ee84cd2bf19c53c9396a8de7ba81237"
	"9ffd81716a9d268f62510120888e561fa08f579913b147abc27a7b7147448d70"
	"c294d7ba90b1ee1efd52b715003e130213031301c02cc030009fcca9cca8ccaa"
	"c02bc02f009ec024c028006bc023c0270067c00ac0140039c009c0130033009d"
	"009c003d003c0035002f00ff0100017500000014001200000f616c6c6f776564"
	"2e6578616d706c65000b000403000102000a00160014001d0017001e00190018"
	"010001010102010301040010000e000c02683208687474702f312e3100160000"
	"0017000000310000000d002a0028040305030603080708080809080a080b0804"
	"08050806040105010601030303010302040205020602002b0009080304030303"
	"020301002d00020101003300260024001d0020ebf67e2df275aa929746557d6c"
	"dbc43f1804ffb78ba9aed5d5c92204732dea12001500ae000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000"
	"0000000000";

/* `tls.connect()` of Node 20 */
static const char from_node[] =
	"16030101820100017e0303f666042f72e4113a59409f4aa80a889a820411ff10"
	"6a61bd6ca666b21993465b203f12a44fc0fd95621c93592ed7945c65b6b8a2a6"
	"732536b190b9dd88978278cb0076130213031301c02fc02bc030c02c009ec027"
	"0067c028006b00a3009fcca9cca8ccaac0afc0adc0a3c09fc05dc061c057c053"
	"00a2c0aec0acc0a2c09ec05cc060c056c052c024006ac0230040c00ac0140039"
	"0038c009c01300330032009dc0a1c09dc051009cc0a0c09cc050003d003c0035"
	"002f00ff010000bf00000014001200000f616c6c6f7765642e6578616d706c65"
	"000b000403000102000a00160014001d0017001e001900180100010101020103"
	"0104002300000010000e000c02683208687474702f312e310016000000170000"
	"000d002a0028040305030603080708080809080a080b08040805080604010501"
	"0601030303010302040205020602002b00050403040303002d00020101003300"
	"260024001d0020b7d953d28ccb3801a8d3f682b8f625ee1d7c6098c6d05793cc"
	"b833d1a1ae2355";

/* `openssl s_client -noservername` */
static const char without_name[] =
	"1603010124010001200303ec0cd058924547330db6bde973f220a13be1b8b502"
	"ef9cd2d8cb3508bd06c09e20a997f1ba77db5eb89c5bc9400c87b8df6bc394c4"
	"a67296cfdb336fd026480a10003e130213031301c02cc030009fcca9cca8ccaa"
	"c02bc02f009ec024c028006bc023c0270067c00ac0140039c009c0130033009d"
	"009c003d003c0035002f00ff01000099000b000403000102000a00160014001d"
	"0017001e0019001801000101010201030104002300000016000000170000000d"
	"002a0028040305030603080708080809080a080b080408050806040105010601"
	"030303010302040205020602002b0009080304030303020301002d0002010100"
	"3300260024001d0020f9f720c1dbf0cf01e74c479ff6b20dcd4f3e6b6a32c16d"
	"b22e9d934def890939";

/* `openssl s_client -tls1_1` */
static const char of_tls11[] =
	"160301009701000093030209476e6fac3c36d1e50016d07dc7a5ca6464eba733"
	"49b3c987efbd036ed062f100002ec00ac0140039003800880087c019003a0089"
	"c009c0130033003200450044c0180034004600350084002f004100ff0100003c"
	"00000014001200000f616c6c6f7765642e6578616d706c65000b000403000102"
	"000a000c000a001d0017001e00190018002300000016000000170000";

/* `openssl s_client -sess_in`, its ticket holding a certificate */
static const char resumed[] =
	"160301076d010007690303790be9ccdfbda5a3d7f10f128212e8bff573b8e0f0"
	"41f15f49b63c20bb35a10520d39b1bdc89cedae4f974021ee751ca5bdad2f2c0"
	"0c52cfc8f6310fde5e81d56b003e130213031301c02cc030009fcca9cca8ccaa"
	"c02bc02f009ec024c028006bc023c0270067c00ac0140039c009c0130033009d"
	"009c003d003c0035002f00ff010006e200000014001200000f616c6c6f776564"
	"2e6578616d706c65000b000403000102000a00160014001d0017001e00190018"
	"01000101010201030104002300000010000e000c02683208687474702f312e31"
	"0016000000170000000d002a0028040305030603080708080809080a080b0804"
	"08050806040105010601030303010302040205020602002b0009080304030303"
	"020301002d00020101003300260024001d0020f42301d636ca46439df0ae9645"
	"3c1af66f1ffa749addac10634b885221af3f2b0029061b05e605e0f1739cffae"
	"1949bded74a23e57819b45939aee32d3b493bdb683b3caf7cc91242666076aa7"
	"b9c892891c6002fb7f48bc7fec9508d1b390572fc839178e28ca9fdc9d7d02cb"
	"ed30a10bbbe2673daec35c222cbce1443dc2df307417bfcadb89913db4bfc53f"
	"81139216016ec604d857bb2880b85031472f960b2d01e57f6925ce278dcfeb3c"
	"55ab097faadd985261375711435a06e36f9012111aa888d4e4117d5391c27043"
	"ba3db317e648d799ff8b4ab03c866fb789bee6a4008ccb4bdd4344eafd1683df"
	"e42ecf69a3475502298673fed3a5146f637752ba06534deb7c9a2aeff0106b53"
	"a274aea0c3a8c59685e9dbf248a44b60b87d9b37c5d3d080de5752d5726cc5fd"
	"29e070c5de26f0413978ae17571790ea50ca16a92065f9afe1a702f565b3f82a"
	"0141fafc9ce5d704183b1ca3918a8bd77e809eada24fc80c3019890617d6c6bc"
	"5b034c50274af61bab49bc2cfe8c8dc9be441d8f51807064c624b1f7d9f97252"
	"47f7522b6bb2ba5fc683291af50f0974eb4276c90cb0320d4e6d5f36751cff75"
	"0b229401b68c45f37309698bdd0d344ae7f4e84d4278b319195b28584898f901"
	"0d183ae63388f180580ac5b0c369ed928f0aa736655b8d37586981f29ee4af9d"
	"f77fc4d0eddc98db525569ac6d9726462374d5e8b3a7d51b32c0a421299bd805"
	"6f2aa18f55c06882d6f07d3128bc1f9c277af86acc46927100241abaf878ae2e"
	"51a9810df6e17097236f4c6d9378a3cc40e41f4b8dcf37def58fa684b7a1fdde"
	"cac7120c38dbb41f088c648c98c65e16dedc69d275f9c555af838bf3408350a5"
	"3662b6c76ec985b6a5d03fc29bf6de76c55d9152b48bd1acc97336fdddf595e7"
	"979d26648535a02770c73eac6d7da6110f841e9a46bb80b16702538bce2e7373"
	"77249dad4e8265fe41edae87f3d9cda659ef7ab985a571973c4165bc52e362ea"
	"47615cf5b573a0179b3176898403aedf484db776f8570289479a6b56fc242ee1"
	"fd8c39fe3975860bee6c22ed32a4ee7f035035b6426eb7b27919b02c844f0971"
	"4516b80489749e77fef66149ca54ab8174299f5788ca65625d06786337e7d997"
	"f5dd19d1765e95c86afa96752a97fb99af28877ea6ff88da537cf9f198612a8e"
	"fb678082908cbc16656bb37a0dec4b6b85d024157db6575a98c1a1cfa3383b21"
	"aa6530ba19c7a42cdfb2c4983d5eece69c71e2aeb37be587fcdcb5bedcdba2ca"
	"6b5491a7627f5787d3bff96bf19a0ed94c02d280baafc9f847a69000d0dd722e"
	"7fbf3024869105de3ff936863550970a230298cb791ef094164bf38f8f8d1ce3"
	"1df6d9b287c515cc5c88728fd98983199d0fc65ee737cc779a183fd71161c2c2"
	"cb178d766fbbad4f9d8e1478f3b69f6fefef21858db346ae5b0f416ec2db8715"
	"e8b5ff6d6953d0a4818deb35e1c75559b5e368e5754ecc2011d458ab63c4887f"
	"9738f95c5c770e51ba39c01677bacec723d4141a7422d14ddd66ea4f7fdd156b"
	"ee99dad7361c0b65ecb72851e2ff39233a778b4705c73c3d3b0a3487328348c9"
	"c18c7e42909d1171c64c348cea7007ca17ee5f346258499763d4a9e00d8f9df0"
	"9c932ff13420a8ffd9ca4036f60db44f3250b915a05f868062e2ba6ea36969ef"
	"c1a9dfc18e8b786861f8a788a935a0625feeb7819fcc547aadd3134b0565bbb7"
	"0d36b3f4eb6127d8ef9680e754e690061da980dd71d982cbfc2a90f1ad496daf"
	"c13d25c1de254950ebde90e06042cdc81356837aab253c4fe96a1a68b368fc21"
	"19290e5c37bd33da6a2951d6bb4f0d8c4180d3f30374c2ca4293ca6abea3a04a"
	"76c589b77e03d973c11367e6d3afc3202261d8c3727508bbe83a82482bf2592e"
	"d69c892a6eedf3d6809d060df5e987930d62e576c73470dcf4e27f37ab1ef156"
	"025dcc3cb130f971fa604222dd07fa2620144663be988a614eed1d4ef784c781"
	"3a02165b26aefeb5392cf246321c7b532a0c3fbfa5a1c090f7ef5e1b9c22759d"
	"ea0ffe827828cb1e2c25f86c4233c76ba7fee11ced33e8ae93c542dc3c6617d4"
	"96ba2268e5d259489663cf249295379c0fc08902906e9f4100a1eb8e03a9b3e2"
	"b7e4eb16810f95a753cc22e62f7cd2e5a11d68d4790ad1a2c25c0c79d3759300"
	"313034b40e2da8a52706a25493550788c73ad554d583e5efd739b99a57b90835"
	"3ed65060b399c56abc582bc51bd3dc774494";

/* `openssl s_client -groups X25519:P-384`, answered by `s_server
 * -groups P-384`: the first hello, the retry and the second hello */
static const char retry_first[] =
	"160301013501000131030348c45ab11524789d1fc8814ee3ccd04e9ec0e53afd"
	"8db953f9e43b512000672f20a248a3200369198b07c2a8a3f224430b5f5dbbba"
	"0351fb9682fe3a3c4c3bec13003e130213031301c02cc030009fcca9cca8ccaa"
	"c02bc02f009ec024c028006bc023c0270067c00ac0140039c009c0130033009d"
	"009c003d003c0035002f00ff010000aa00000014001200000f616c6c6f776564"
	"2e6578616d706c65000b000403000102000a00060004001d0018002300000010"
	"000500030268320016000000170000000d002a00280403050306030807080808"
	"09080a080b080408050806040105010601030303010302040205020602002b00"
	"09080304030303020301002d00020101003300260024001d0020df5101038ca1"
	"60fce5919da008462ea568db7abafd3ebf5e13f95fec0d0cca78";

static const char retry_answer[] =
	"1603030058020000540303cf21ad74e59a6111be1d8c021e65b891c2a211167a"
	"bb8c5e079e09e2c8a8339c20a248a3200369198b07c2a8a3f224430b5f5dbbba"
	"0351fb9682fe3a3c4c3bec13130200000c002b00020304003300020018";

static const char retry_second[] =
	"140303000101160303017601000172030348c45ab11524789d1fc8814ee3ccd0"
	"4e9ec0e53afd8db953f9e43b512000672f20a248a3200369198b07c2a8a3f224"
	"430b5f5dbbba0351fb9682fe3a3c4c3bec13003e130213031301c02cc030009f"
	"cca9cca8ccaac02bc02f009ec024c028006bc023c0270067c00ac0140039c009"
	"c0130033009d009c003d003c0035002f00ff010000eb00000014001200000f61"
	"6c6c6f7765642e6578616d706c65000b000403000102000a00060004001d0018"
	"002300000010000500030268320016000000170000000d002a00280403050306"
	"03080708080809080a080b080408050806040105010601030303010302040205"
	"020602002b0009080304030303020301002d0002010100330067006500180061"
	"04ffedb4f35349b64e016625d8479c156c16b95e42f15d5e55d5084a466d3f4e"
	"11735cd6d45de78cd446762b0c7620c2d4f6e8eebd862edf77c4c14d6d779864"
	"cb0f14309b0560ae17a142ccdb9423aa1aa8b40cb40f38f5a65418245558d6d6"
	"44";

/* --- helpers --- */

struct bytes {
	uint8_t at[TLS_HELLO_MAX * 2];
	size_t len;
};

static void add(struct bytes *bytes, const void *more, size_t n)
{
	assert_true(n <= sizeof(bytes->at) - bytes->len);
	memcpy(bytes->at + bytes->len, more, n);
	bytes->len += n;
}

static void add_uint(struct bytes *bytes, size_t value, size_t n)
{
	while (n-- > 0) {
		uint8_t byte = (uint8_t)(value >> (8 * n));

		add(bytes, &byte, 1);
	}
}

static void add_hex(struct bytes *bytes, const char *hex)
{
	for (; *hex != '\0'; hex += 2) {
		char digits[3] = { hex[0], hex[1] };

		add_uint(bytes, strtoul(digits, NULL, 16), 1);
	}
}

/* The same handshake messages, in records of @size bytes. */
static void add_records(struct bytes *bytes, const uint8_t *message, size_t len,
			size_t size)
{
	while (len > 0) {
		size_t n = len < size ? len : size;

		add_hex(bytes, "160301");
		add_uint(bytes, n, 2);
		add(bytes, message, n);
		message += n;
		len -= n;
	}
}

/* A ClientHello with these extensions, in full records. */
static void add_hello(struct bytes *bytes, uint16_t version,
		      const struct bytes *extensions)
{
	static struct bytes message;
	size_t len = 2 + 32 + 1 + 4 + 2 + 2 + extensions->len;

	message.len = 0;
	add_uint(&message, 1, 1);
	add_uint(&message, len, 3);
	add_uint(&message, version, 2);
	for (unsigned i = 0; i < 32; i++)
		add_uint(&message, i, 1);
	add_uint(&message, 0, 1);      /* session_id */
	add_hex(&message, "00021301"); /* cipher_suites */
	add_hex(&message, "0100");     /* compression_methods */
	add_uint(&message, extensions->len, 2);
	add(&message, extensions->at, extensions->len);
	add_records(bytes, message.at, message.len, 16384);
}

static enum tls_read feed(struct tls_reader *reader, const struct bytes *bytes,
			  size_t piece, size_t *used)
{
	enum tls_read result = TLS_READ_MORE;
	size_t at = 0;

	while (at < bytes->len && result == TLS_READ_MORE) {
		size_t n = bytes->len - at < piece ? bytes->len - at : piece;
		size_t took = 0;

		result = tls_reader_feed(reader, bytes->at + at, n, &took);
		at += took;
		if (result == TLS_READ_MORE)
			assert_int_equal(took, n);
	}
	if (used)
		*used = at;
	return result;
}

/* What is wrong with these bytes as a ClientHello, or NONE. */
static enum tls_fault judge(const struct bytes *bytes, size_t piece,
			    struct tls_client_hello *hello)
{
	struct tls_reader reader = { 0 };
	enum tls_read result = feed(&reader, bytes, piece, NULL);
	enum tls_fault fault;

	assert_int_not_equal(result, TLS_READ_MORE);
	if (result == TLS_READ_DONE)
		assert_true(tls_client_hello_parse(&reader, hello) ==
			    (reader.fault == TLS_FAULT_NONE));
	fault = reader.fault;
	assert_true(fault != TLS_FAULT_NONE || result == TLS_READ_DONE);
	tls_reader_done(&reader);
	assert_null(reader.message);
	return fault;
}

static void assert_same_hello(const struct tls_client_hello *a,
			      const struct tls_client_hello *b)
{
	assert_string_equal(a->name.name, b->name.name);
	assert_int_equal(a->has_h2, b->has_h2);
	assert_int_equal(a->has_http11, b->has_http11);
	assert_int_equal(a->has_alpn, b->has_alpn);
	assert_int_equal(a->has_psk, b->has_psk);
	assert_int_equal(a->offers_tls13, b->offers_tls13);
	assert_int_equal(a->alpn_len, b->alpn_len);
	assert_memory_equal(a->alpn, b->alpn, sizeof(a->alpn));
}

static struct tls_client_hello hello_of(const char *hex)
{
	struct tls_client_hello hello = { 0 };
	static struct bytes bytes;

	bytes.len = 0;
	add_hex(&bytes, hex);
	assert_int_equal(judge(&bytes, bytes.len, &hello), TLS_FAULT_NONE);
	return hello;
}

static enum tls_fault fault_of_extensions(uint16_t version, const char *hex)
{
	struct tls_client_hello hello = { 0 };
	static struct bytes bytes, extensions;

	bytes.len = extensions.len = 0;
	add_hex(&extensions, hex);
	add_hello(&bytes, version, &extensions);
	return judge(&bytes, bytes.len, &hello);
}

static enum tls_fault fault_of(const char *hex)
{
	struct tls_client_hello hello = { 0 };
	static struct bytes bytes;

	bytes.len = 0;
	add_hex(&bytes, hex);
	return judge(&bytes, bytes.len, &hello);
}

/* "allowed.example" as a server_name extension */
#define NAME "000000140012" NAME_LIST
#define NAME_LIST "00000f616c6c6f7765642e6578616d706c65"

/* --- tests --- */

static void real_hellos_are_read(void **state)
{
	static const char *const named[] = { from_openssl, from_curl, from_node,
					     resumed, retry_first };

	(void)state;
	for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++) {
		struct tls_client_hello hello = hello_of(named[i]);

		assert_string_equal(hello.name.name, "allowed.example");
		assert_true(hello.has_h2 && hello.has_alpn);
		assert_true(hello.offers_tls13);
		assert_false(hello.has_early_data || hello.has_ech);
		assert_int_equal(hello.has_psk, named[i] == resumed);
		assert_int_equal(hello.has_http11, named[i] != retry_first);
	}
	assert_true(sizeof(resumed) / 2 > 1500);
	assert_int_equal(hello_of(without_name).name.len, 0);
	assert_false(hello_of(without_name).has_alpn);
}

static void every_cut_of_the_bytes_reads_alike(void **state)
{
	static const char *const hellos[] = { from_openssl, from_curl,
					      from_node, resumed,
					      without_name };
	static struct bytes bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(hellos) / sizeof(*hellos); i++) {
		struct tls_client_hello whole = hello_of(hellos[i]), hello;

		bytes.len = 0;
		add_hex(&bytes, hellos[i]);
		for (size_t piece = 1; piece < bytes.len; piece++) {
			memset(&hello, 0, sizeof(hello));
			assert_int_equal(judge(&bytes, piece, &hello),
					 TLS_FAULT_NONE);
			assert_same_hello(&hello, &whole);
		}
	}
}

static void two_pieces_at_every_place_read_alike(void **state)
{
	struct tls_client_hello whole = hello_of(resumed), hello = { 0 };
	static struct bytes bytes;

	(void)state;
	add_hex(&bytes, resumed);
	for (size_t at = 0; at <= bytes.len; at++) {
		struct tls_reader reader = { 0 };
		enum tls_read result;

		result = tls_reader_feed(&reader, bytes.at, at, NULL);
		assert_int_equal(result, at < bytes.len ? TLS_READ_MORE
							: TLS_READ_DONE);
		result = tls_reader_feed(&reader, bytes.at + at, bytes.len - at,
					 NULL);
		assert_int_equal(result, TLS_READ_DONE);
		assert_true(tls_client_hello_parse(&reader, &hello));
		assert_same_hello(&hello, &whole);
		tls_reader_done(&reader);
	}
}

static void every_split_into_records_reads_alike(void **state)
{
	static const char *const hellos[] = { from_openssl, from_curl,
					      from_node, resumed,
					      without_name };
	static struct bytes bytes, split;

	(void)state;
	for (size_t i = 0; i < sizeof(hellos) / sizeof(*hellos); i++) {
		struct tls_client_hello whole = hello_of(hellos[i]), hello;

		bytes.len = 0;
		add_hex(&bytes, hellos[i]);
		for (size_t size = 1; size <= bytes.len - 5; size++) {
			size_t n = (bytes.len - 5 + size - 1) / size;

			split.len = 0;
			add_records(&split, bytes.at + 5, bytes.len - 5, size);
			memset(&hello, 0, sizeof(hello));
			if (n > TLS_HELLO_RECORDS) {
				assert_int_equal(judge(&split, size % 9 + 1,
						       &hello),
						 TLS_FAULT_TOO_LONG);
				continue;
			}
			assert_int_equal(judge(&split, size % 9 + 1, &hello),
					 TLS_FAULT_NONE);
			assert_same_hello(&hello, &whole);
			assert_int_equal(judge(&split, split.len, &hello),
					 TLS_FAULT_NONE);
			assert_same_hello(&hello, &whole);
		}
	}
}

static void the_bounds_are_where_they_are_said_to_be(void **state)
{
	static struct bytes bytes, extensions;
	struct tls_reader reader = { 0 };
	struct tls_client_hello hello = { 0 };
	const size_t fixed = 4 + 2 + 32 + 1 + 4 + 2 + 2;

	(void)state;
	add_hex(&extensions, NAME);
	add_uint(&extensions, 0x1234, 2);
	add_uint(&extensions, TLS_HELLO_MAX - fixed - extensions.len - 2, 2);
	extensions.len = TLS_HELLO_MAX - fixed;
	add_hello(&bytes, 0x0303, &extensions);
	assert_int_equal(judge(&bytes, 1460, &hello), TLS_FAULT_NONE);
	assert_string_equal(hello.name.name, "allowed.example");

	/* What only claims to be longer is refused at once, unread. */
	assert_int_equal(fault_of("16030100040100fffd"), TLS_FAULT_TOO_LONG);
	assert_int_equal(fault_of("160301000401ffffff"), TLS_FAULT_TOO_LONG);
	bytes.len = 0;
	add_hex(&bytes, "16030100040100fffc");
	assert_int_equal(feed(&reader, &bytes, 1, NULL), TLS_READ_MORE);
	assert_true(reader.cap < 4096);
	tls_reader_done(&reader);
}

/* 16,000 empty extensions: no pass over them may be nested in another. */
static void many_extensions_are_read_in_one_pass(void **state)
{
	static struct bytes bytes, extensions;
	struct tls_client_hello hello = { 0 };

	(void)state;
	for (size_t type = 0x4000; type < 0x4000 + 16000; type++) {
		add_uint(&extensions, type, 2);
		add_uint(&extensions, 0, 2);
	}
	add_hello(&bytes, 0x0303, &extensions);
	assert_int_equal(judge(&bytes, bytes.len, &hello), TLS_FAULT_NONE);

	memcpy(extensions.at + extensions.len - 4, extensions.at, 2);
	bytes.len = 0;
	add_hello(&bytes, 0x0303, &extensions);
	assert_int_equal(judge(&bytes, bytes.len, &hello), TLS_FAULT_MALFORMED);
}

static void what_is_no_tls_is_known_by_its_first_bytes(void **state)
{
	static const struct {
		const char *hex;
		size_t known_after;
		enum tls_fault fault;
	} refused[] = {
		{ "474554202f20", 1, TLS_FAULT_NOT_TLS }, /* "GET / " */
		{ "5353482d322e", 1, TLS_FAULT_NOT_TLS }, /* "SSH-2." */
		{ "802e01000200", 1, TLS_FAULT_NOT_TLS }, /* SSLv2 */
		{ "150301000202", 1, TLS_FAULT_NOT_TLS }, /* an alert */
		{ "170303000101", 1, TLS_FAULT_NOT_TLS }, /* data */
		{ "140303000101", 1, TLS_FAULT_NOT_TLS }, /* CCS, unasked */
		{ "160201000101", 2, TLS_FAULT_NOT_TLS },
		{ "160300000101", 3, TLS_FAULT_VERSION }, /* SSLv3 */
		{ "160304000101", 3, TLS_FAULT_VERSION },
		{ "160301000001", 5, TLS_FAULT_MALFORMED }, /* empty */
		{ "160301400101", 5, TLS_FAULT_MALFORMED }, /* 16385 */
		{ "160301000100", 6, TLS_FAULT_MALFORMED }, /* HelloRequest */
		{ "16030100010b", 6, TLS_FAULT_MALFORMED }, /* Certificate */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct tls_reader reader = { 0 };
		struct bytes bytes = { .len = 0 };
		size_t used;

		add_hex(&bytes, refused[i].hex);
		assert_int_equal(feed(&reader, &bytes, 1, &used), TLS_READ_BAD);
		assert_int_equal(used, refused[i].known_after);
		assert_int_equal(reader.fault, refused[i].fault);
		/* and no byte more makes it better */
		assert_int_equal(tls_reader_feed(&reader, bytes.at, 1, NULL),
				 TLS_READ_BAD);
		tls_reader_done(&reader);
	}
}

static void records_within_a_message_are_of_its_type(void **state)
{
	(void)state;
	/* A hello of two records, between them an alert, data or a CCS. */
	assert_int_equal(fault_of("160301000201001503010002010016"),
			 TLS_FAULT_MALFORMED);
	assert_int_equal(fault_of("16030100020100170303000100"),
			 TLS_FAULT_MALFORMED);
	assert_int_equal(fault_of("16030100020100140303000101"),
			 TLS_FAULT_MALFORMED);
	assert_int_equal(fault_of("160301000201001603010000"),
			 TLS_FAULT_MALFORMED);
}

static void nothing_follows_a_hello_in_its_record(void **state)
{
	static struct bytes bytes;
	struct tls_client_hello hello = { 0 };

	(void)state;
	add_hex(&bytes, from_openssl);
	bytes.at[4]++;
	add_uint(&bytes, 0, 1);
	assert_int_equal(judge(&bytes, bytes.len, &hello), TLS_FAULT_MALFORMED);
	assert_int_equal(judge(&bytes, 1, &hello), TLS_FAULT_MALFORMED);
}

static void what_follows_in_other_records_is_left(void **state)
{
	static struct bytes bytes;
	struct tls_reader reader = { 0 };
	size_t used, len;

	(void)state;
	add_hex(&bytes, from_openssl);
	len = bytes.len;
	add_hex(&bytes, "1403030001011703030001ff");
	assert_int_equal(feed(&reader, &bytes, bytes.len, &used),
			 TLS_READ_DONE);
	assert_int_equal(used, len);
	assert_int_equal(tls_reader_feed(&reader, bytes.at, bytes.len, &used),
			 TLS_READ_DONE);
	assert_int_equal(used, 0);
	tls_reader_done(&reader);
}

static void a_server_name_is_one_host_name_or_refused(void **state)
{
	static const char *const refused[] = {
		"00000000",     /* empty */
		"000000020000", /* an empty list */
		"0000000500030000"
		"00", /* an empty name */
		"00000007"
		"0005"
		"0100026161", /* name_type 1 */
		"0000000700050000"
		"026162"
		"00",
		"00000014"
		"0013" NAME_LIST, /* the list's length */
		"00000014"
		"0011" NAME_LIST,
		"00000015"
		"0012" NAME_LIST "00", /* bytes left over */
		"00000026"
		"0024" NAME_LIST NAME_LIST, /* two names */
		"0000000a"
		"0008"
		"000005"
		"61002e6f72", /* NUL */
		"0000000a"
		"0008"
		"000005"
		"61202e6f72", /* blank */
		"0000000a"
		"0008"
		"000005"
		"610d0a6f72", /* CR LF */
		"0000000a"
		"0008"
		"000005"
		"612e2e6f72", /* a..or */
		"0000000a"
		"0008"
		"000005"
		"2f2f612e62", /* //a.b */
		"0000000a"
		"0008"
		"000005"
		"2a2e6f7267", /* *.org */
		"0000000a"
		"0008"
		"000005"
		"c3bc2e6f72", /* 8-bit */
		"0000000c"
		"000a"
		"000007"
		"312e322e332e34", /* an address */
		"00000008"
		"0006"
		"000003"
		"3a3a31", /* ::1 */
	};

	(void)state;
	assert_int_equal(fault_of_extensions(0x0303, NAME), TLS_FAULT_NONE);
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		if (fault_of_extensions(0x0303, refused[i]) == TLS_FAULT_NONE)
			fail_msg("'%s' was taken for a name", refused[i]);
	assert_int_equal(fault_of_extensions(0x0303, refused[17]),
			 TLS_FAULT_NAME);
	assert_int_equal(fault_of_extensions(0x0303, NAME NAME),
			 TLS_FAULT_MALFORMED);
}

static void an_extension_that_lies_is_malformed(void **state)
{
	static const char *const refused[] = {
		"12",     /* half a type */
		"123400", /* half a length */
		"1234000100"
		"0a",               /* one byte too many */
		"1234000200",       /* one too few */
		"1234000012340000", /* twice */
		"0a0a00000a0a0000", /* GREASE twice */
		"00100000",         /* ALPN: no list */
		"001000020000",     /* an empty list */
		"00100003000100",   /* an empty protocol */
		"001000060003"
		"02683200", /* left over */
		"001000040002"
		"0268",         /* cut short */
		"002b0000",     /* supported_versions: no list */
		"002b000100",   /* an empty list */
		"002b00020103", /* half a version */
		"002b00040303"
		"0304", /* odd */
		"002b0004020304"
		"00",         /* left over */
		"002a000100", /* early_data with a body */
		"00290000",   /* pre_shared_key without lists */
		"0029000400000000",
		"00290009"
		"0002aabb"
		"0003020102"
		"12340000", /* not last */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		enum tls_fault fault = fault_of_extensions(0x0303, refused[i]);

		if (fault != TLS_FAULT_MALFORMED)
			fail_msg("'%s' was not malformed", refused[i]);
	}
	assert_int_equal(fault_of_extensions(0x0303, "1234000000290009"
						     "0002aabb"
						     "0003020102"),
			 TLS_FAULT_NONE);
}

static void a_body_that_lies_is_malformed(void **state)
{
	static struct bytes sound, bytes;
	struct tls_client_hello hello = { 0 };
	size_t suites, methods;

	(void)state;
	add_hex(&sound, from_openssl);
	suites = 5 + 4 + 2 + 32 + 1 + 32;
	methods = suites + 2 + sound.at[suites + 1];
	assert_int_equal(sound.at[methods], 1);
	{
		/* of the message, session_id, suites, methods, extensions */
		const size_t lengths[] = { 8, 43, suites + 1, methods,
					   methods + 3 };

		for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
			for (int by = -1; by <= 1; by += 2) {
				bytes = sound;
				bytes.at[lengths[i]] =
					(uint8_t)(bytes.at[lengths[i]] + by);
				/* A longer message is yet to be sent. */
				if (i == 0 && by == 1)
					add_hex(&bytes, "160301000100");
				assert_int_equal(judge(&bytes, bytes.len,
						       &hello),
						 TLS_FAULT_MALFORMED);
			}
	}
}

static void versions_before_tls12_are_refused(void **state)
{
	(void)state;
	assert_int_equal(fault_of(of_tls11), TLS_FAULT_VERSION);
	assert_int_equal(fault_of_extensions(0x0300, ""), TLS_FAULT_VERSION);
	assert_int_equal(fault_of_extensions(0x0302, NAME), TLS_FAULT_VERSION);
	assert_int_equal(fault_of_extensions(0xfefd, NAME), TLS_FAULT_VERSION);
	assert_int_equal(fault_of_extensions(0x0303, ""), TLS_FAULT_NONE);
	/* supported_versions has the last word */
	assert_int_equal(fault_of_extensions(0x0301, "002b0003020304"),
			 TLS_FAULT_NONE);
	assert_int_equal(fault_of_extensions(0x0303, "002b0005040302"
						     "0a0a"),
			 TLS_FAULT_VERSION);
}

static void what_else_is_offered_is_told(void **state)
{
	static struct bytes bytes, extensions;
	struct tls_client_hello hello = { 0 };

	(void)state;
	add_hex(&extensions, "0a0a0000"   /* GREASE */
			     "fe0d000100" /* ECH */
			     "002a0000"   /* early_data */
			     "0010000b0009"
			     "08"
			     "687474702f312e31");
	add_hello(&bytes, 0x0303, &extensions);
	assert_int_equal(judge(&bytes, bytes.len, &hello), TLS_FAULT_NONE);
	assert_true(hello.has_ech && hello.has_early_data && hello.has_http11);
	assert_false(hello.has_h2 || hello.offers_tls13 || hello.has_psk);
	assert_int_equal(hello.alpn_len, 9);
	assert_memory_equal(hello.alpn, "\x08http/1.1", 9);
}

static void a_retry_is_told_from_a_server_hello(void **state)
{
	static struct bytes bytes;
	struct tls_reader reader = { 0 };

	(void)state;
	add_hex(&bytes, retry_answer);
	assert_int_equal(feed(&reader, &bytes, 1, NULL), TLS_READ_DONE);
	assert_int_equal(tls_server_first(&reader), TLS_SERVER_RETRY);
	tls_reader_done(&reader);

	/* One bit of the random off, and a record that goes on, as in 1.2 */
	bytes.at[42] ^= 1;
	bytes.at[4]++;
	add_uint(&bytes, 11, 1);
	assert_int_equal(feed(&reader, &bytes, 1, NULL), TLS_READ_DONE);
	assert_int_equal(tls_server_first(&reader), TLS_SERVER_HELLO);
	tls_reader_done(&reader);

	bytes.len = 0;
	add_hex(&bytes, "15030300020228");
	assert_int_equal(feed(&reader, &bytes, 1, NULL), TLS_READ_BAD);
	assert_int_equal(tls_server_first(&reader), TLS_SERVER_OTHER);
	tls_reader_done(&reader);

	bytes.len = 0;
	add_hex(&bytes, from_openssl);
	assert_int_equal(feed(&reader, &bytes, 1, NULL), TLS_READ_DONE);
	assert_int_equal(tls_server_first(&reader), TLS_SERVER_OTHER);
	tls_reader_done(&reader);
}

static struct tls_client_hello second_hello(const char *hex)
{
	static struct bytes bytes;
	struct tls_client_hello hello = { 0 };
	struct tls_reader reader = { .skip_ccs = true };

	bytes.len = 0;
	add_hex(&bytes, hex);
	assert_int_equal(feed(&reader, &bytes, 1, NULL), TLS_READ_DONE);
	assert_true(tls_client_hello_parse(&reader, &hello));
	tls_reader_done(&reader);
	return hello;
}

static void a_second_hello_names_what_the_first_did(void **state)
{
	struct tls_client_hello first = hello_of(retry_first);
	struct tls_client_hello second = second_hello(retry_second);
	struct tls_client_hello other;

	(void)state;
	assert_true(tls_client_hello_agrees(&first, &second));

	other = second;
	other.name.name[0] = 'b';
	assert_false(tls_client_hello_agrees(&first, &other));
	other = second;
	other.name.len = 0;
	assert_false(tls_client_hello_agrees(&first, &other));
	other = second;
	other.alpn[1] = 'x';
	assert_false(tls_client_hello_agrees(&first, &other));
	other = hello_of(without_name);
	assert_false(tls_client_hello_agrees(&first, &other));
	assert_true(tls_client_hello_agrees(&other, &other));
	first.alpn_len = second.alpn_len = SIZE_MAX;
	assert_false(tls_client_hello_agrees(&first, &second));
}

static void a_ccs_is_passed_over_only_before_a_second_hello(void **state)
{
	static const char *const refused[] = {
		"140303000100",               /* not 1 */
		"14030300020101",             /* two bytes */
		"16030300020100140303000101", /* within the message */
	};
	static struct bytes bytes;

	(void)state;
	assert_int_equal(fault_of(retry_second), TLS_FAULT_NOT_TLS);
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct tls_reader reader = { .skip_ccs = true };

		bytes.len = 0;
		add_hex(&bytes, refused[i]);
		assert_int_equal(feed(&reader, &bytes, 1, NULL), TLS_READ_BAD);
		assert_int_equal(reader.fault, TLS_FAULT_MALFORMED);
		tls_reader_done(&reader);
	}
	/* Nor without end. */
	{
		struct tls_reader reader = { .skip_ccs = true };

		bytes.len = 0;
		for (unsigned i = 0; i <= TLS_HELLO_RECORDS; i++)
			add_hex(&bytes, "140303000101");
		assert_int_equal(feed(&reader, &bytes, 7, NULL), TLS_READ_BAD);
		assert_int_equal(reader.fault, TLS_FAULT_TOO_LONG);
		tls_reader_done(&reader);
	}
}

static void warnings_are_passed_over_only_before_a_server_hello(void **state)
{
	static const struct {
		const char *before;
		enum tls_fault fault;
	} rows[] = {
		{ "15030300020170", TLS_FAULT_NONE },
		{ "1503030002017015030100020100", TLS_FAULT_NONE },
		{ "15030300020270", TLS_FAULT_MALFORMED },     /* fatal */
		{ "15030300020070", TLS_FAULT_MALFORMED },     /* no level */
		{ "150303000101", TLS_FAULT_MALFORMED },       /* half of it */
		{ "1503030003017000", TLS_FAULT_MALFORMED },   /* and more */
		{ "150303000401700170", TLS_FAULT_MALFORMED }, /* two in one */
		{ "16030300010215030300020170", TLS_FAULT_MALFORMED },
	};
	static struct bytes bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (size_t piece = 1; piece < 50; piece += 48) {
			struct tls_reader reader = { .skip_warnings = true };

			bytes.len = 0;
			add_hex(&bytes, rows[i].before);
			add_hex(&bytes, retry_answer);
			(void)feed(&reader, &bytes, piece, NULL);
			assert_int_equal(reader.fault, rows[i].fault);
			assert_int_equal(tls_server_first(&reader),
					 rows[i].fault == TLS_FAULT_NONE
						 ? TLS_SERVER_RETRY
						 : TLS_SERVER_OTHER);
			tls_reader_done(&reader);
		}
	}
	/* Nor without end. */
	{
		struct tls_reader reader = { .skip_warnings = true };

		bytes.len = 0;
		for (unsigned i = 0; i <= TLS_HELLO_RECORDS; i++)
			add_hex(&bytes, "15030300020170");
		assert_int_equal(feed(&reader, &bytes, 7, NULL), TLS_READ_BAD);
		assert_int_equal(reader.fault, TLS_FAULT_TOO_LONG);
		tls_reader_done(&reader);
	}
}

static void an_alert_is_a_record_of_its_own(void **state)
{
	uint8_t record[TLS_ALERT_LEN];

	(void)state;
	tls_alert_write(record, TLS_ALERT_UNRECOGNIZED_NAME);
	assert_memory_equal(record, "\x15\x03\x03\x00\x02\x02\x70",
			    TLS_ALERT_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_hellos_are_read),
		cmocka_unit_test(every_cut_of_the_bytes_reads_alike),
		cmocka_unit_test(two_pieces_at_every_place_read_alike),
		cmocka_unit_test(every_split_into_records_reads_alike),
		cmocka_unit_test(the_bounds_are_where_they_are_said_to_be),
		cmocka_unit_test(many_extensions_are_read_in_one_pass),
		cmocka_unit_test(what_is_no_tls_is_known_by_its_first_bytes),
		cmocka_unit_test(records_within_a_message_are_of_its_type),
		cmocka_unit_test(nothing_follows_a_hello_in_its_record),
		cmocka_unit_test(what_follows_in_other_records_is_left),
		cmocka_unit_test(a_server_name_is_one_host_name_or_refused),
		cmocka_unit_test(an_extension_that_lies_is_malformed),
		cmocka_unit_test(a_body_that_lies_is_malformed),
		cmocka_unit_test(versions_before_tls12_are_refused),
		cmocka_unit_test(what_else_is_offered_is_told),
		cmocka_unit_test(a_retry_is_told_from_a_server_hello),
		cmocka_unit_test(a_second_hello_names_what_the_first_did),
		cmocka_unit_test(
			a_ccs_is_passed_over_only_before_a_second_hello),
		cmocka_unit_test(
			warnings_are_passed_over_only_before_a_server_hello),
		cmocka_unit_test(an_alert_is_a_record_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
