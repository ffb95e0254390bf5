#include "accelerator.h"

#include "cache.h"
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define DEVICE "/dev/kvm"
#define PROBE_MS 10000

#if defined(__aarch64__)
#define MACHINE "virt"
#define CONSOLE_AND_END "console=ttyAMA0 panic=-1"
#define TUNING ""
#else
#define MACHINE "q35"
#define CONSOLE_AND_END "console=ttyS0 panic=-1"
/*
 * What a kernel measures and guards against on a real processor is of no use
 * on this one; and a clock whose pace it measured while the host was busy
 * would run at a wrong one ever after.
 */
#define TUNING                                                  \
	" mitigations=off nokaslr no_timer_check tsc=unstable " \
	"clocksource=hpet"
#endif

/* The last one always works. */
static const struct accelerator accelerators[] = {
	{ "kvm", "kvm", "host", "", false },
	{ "hvf", "hvf", "host", "", false },
	{ "tcg", "tcg,thread=single", "qemu64", TUNING, true },
};

#define N (sizeof(accelerators) / sizeof(accelerators[0]))

const struct accelerator *accelerator_find(const char *name)
{
	for (size_t i = 0; i < N; i++)
		if (strcmp(accelerators[i].name, name) == 0)
			return &accelerators[i];
	return NULL;
}

struct probe {
	const char *emulator, *kernel;
};

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* Whether the kernel's last words come before its time is over. */
static bool hear(int console)
{
	int64_t deadline = now_ms() + PROBE_MS;
	char heard[65536];
	size_t len = 0;

	for (;;) {
		struct pollfd event = { .fd = console, .events = POLLIN };
		int64_t left = deadline - now_ms();
		ssize_t n;

		if (left <= 0 || len == sizeof(heard))
			return false;
		if (poll(&event, 1, (int)left) <= 0)
			continue;
		n = read(console, heard + len, sizeof(heard) - len);
		if (n <= 0)
			return false;
		len += (size_t)n;
		if (memmem(heard, len, "Kernel panic", strlen("Kernel panic")))
			return true;
	}
}

static bool boots(const struct probe *probe)
{
	const char *const argv[] = { probe->emulator,
				     "-nodefaults",
				     "-no-user-config",
				     "-no-reboot",
				     "-display",
				     "none",
				     "-monitor",
				     "none",
				     "-machine",
				     MACHINE,
				     "-accel",
				     "kvm",
				     "-cpu",
				     "host",
				     "-m",
				     "128M",
				     "-kernel",
				     probe->kernel,
				     "-append",
				     CONSOLE_AND_END,
				     "-serial",
				     "stdio",
				     NULL };
	struct spawn spawn = spawn_of(argv);
	bool heard = false;
	int console[2];
	pid_t pid;

	if (pipe2(console, O_CLOEXEC) < 0)
		return false;
	spawn.background = true;
	spawn.mortal = true;
	spawn.stdio[1] = console[1];
	spawn.stdio[2] = console[1];
	if (spawn_start(&spawn, &pid) == 0) {
		(void)close(console[1]);
		console[1] = -1;
		heard = hear(console[0]);
		(void)kill(pid, SIGKILL);
		(void)spawn_wait(pid);
	}
	if (console[1] >= 0)
		(void)close(console[1]);
	(void)close(console[0]);
	return heard;
}

static int try_device(int fd, void *data)
{
	const char *result = boots(data) ? "kvm" : "tcg";

	return write(fd, result, 3) == 3 ? 0 : -EIO;
}

static bool device_works(const struct probe *probe)
{
	char key[CACHE_KEY_LEN + 1];
	struct cache_key of;
	struct utsname host;
	char result[3] = "";
	union {
		const struct probe *as_is;
		void *as_asked;
	} data = { .as_is = probe };
	int fd;

	if (access(DEVICE, R_OK | W_OK) < 0 || uname(&host) < 0)
		return false;
	cache_key_init(&of);
	cache_key_text(&of, host.release);
	cache_key_text(&of, host.version);
	cache_key_file(&of, probe->emulator);
	cache_key_file(&of, probe->kernel);
	if (!cache_key_done(&of, key))
		return false;
	fd = cache_open("accelerator", key, try_device, data.as_asked);
	if (fd < 0)
		return false;
	if (pread(fd, result, sizeof(result), 0) != sizeof(result))
		result[0] = '\0';
	(void)close(fd);
	return memcmp(result, "kvm", sizeof(result)) == 0;
}

const struct accelerator *accelerator_choose(const char *emulator,
					     const char *kernel)
{
	const struct probe probe = { .emulator = emulator, .kernel = kernel };

	return device_works(&probe) ? &accelerators[0] : &accelerators[N - 1];
}
