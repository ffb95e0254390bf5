#include "plan.h"

#include <stdio.h>

/*
 * Two machines and one wire:
 *
 *	agent-machine ---- {wire} ---- gateway-machine ---- user-mode network
 *
 * The wire is a pair of sockets, whose ends are the launcher's to give away.
 * Whatever a machine has from us comes by descriptor, so that the programs
 * have no names of files to open, and no secret on their command lines.
 */

#if defined(__aarch64__)
#define EMULATOR "qemu-system-aarch64"
#define MACHINE "virt"
#define CONSOLE "ttyAMA0"
#else
#define EMULATOR "qemu-system-x86_64"
#define MACHINE "q35"
#define CONSOLE "ttyS0"
#endif

#define MAC_AGENT "52:54:00:77:00:02"
#define MAC_GATEWAY "52:54:00:77:00:01"
#define MAC_UPLINK "52:54:00:77:00:ff"

/*
 * The user-mode network's addresses. In its own prefixes are aliases of the
 * host's loopback, so that the gateway is told never to dial into them.
 */
#define UPLINK4_NET "10.0.2.0/24"
#define UPLINK4 "10.0.2.15/24"
#define UPLINK4_ROUTER "10.0.2.2"
#define UPLINK6_NET "fd00:736c:7569:6365::/64"
#define UPLINK6 "fd00:736c:7569:6365::15/64"
#define UPLINK6_ROUTER "fd00:736c:7569:6365::2"

#define ROOT_TAG "root"
#define WORK_TAG "work"
#define PATH_DEFAULT \
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* What both machines have in common. */
static struct plan_step *machine(struct plan *plan, const char *name,
				 unsigned mib, bool shared_memory)
{
	struct plan_step *step = plan_step(plan, name, PLAN_HOST);

	plan_word(plan, step, EMULATOR);
	plan_option(plan, step, "-name", plan_text(plan, "sluice-%s", name));
	plan_word(plan, step, "-nodefaults");
	plan_word(plan, step, "-no-user-config");
	plan_word(plan, step, "-no-reboot");
	plan_option(plan, step, "-sandbox",
		    "on,obsolete=deny,spawn=deny,resourcecontrol=deny");
	if (plan->options.machines.as_root)
		plan_option(plan, step, "-runas", "nobody");
	plan_option(plan, step, "-display", "none");
	plan_option(plan, step, "-monitor", "none");
	plan_option(plan, step, "-machine",
		    shared_memory ? MACHINE ",memory-backend=memory" : MACHINE);
	plan_option(plan, step, "-accel", "{accelerator}");
	plan_option(plan, step, "-cpu", "{processor}");
	plan_option(plan, step, "-m", plan_text(plan, "%uM", mib));
	if (shared_memory)
		plan_option(plan, step, "-object",
			    plan_text(plan,
				      "memory-backend-memfd,id=memory,"
				      "share=on,size=%uM",
				      mib));
	plan_option(plan, step, "-kernel", "{kernel}");
	plan_option(plan, step, "-initrd", "{initramfs}");
	plan_option(plan, step, "-append",
		    "console=" CONSOLE " quiet panic=-1 cryptomgr.notests "
		    "random.trust_cpu=on i8042.noaux i8042.nokbd{tuning}");
	plan_option(plan, step, "-serial", "stdio");
	plan_option(plan, step, "-object",
		    "rng-random,id=random,filename=/dev/urandom");
	plan_option(plan, step, "-device", "virtio-rng-pci,rng=random");
	return step;
}

/* A card; one without a ROM, which would only slow the start down. */
static void card(struct plan *plan, struct plan_step *step, const char *netdev,
		 const char *id, const char *mac)
{
	plan_option(plan, step, "-netdev", netdev);
	plan_option(plan, step, "-device",
		    plan_text(plan, "virtio-net-pci,romfile=,netdev=%s,mac=%s",
			      id, mac));
}

static void wire(struct plan *plan, struct plan_step *step, const char *mac)
{
	card(plan, step, "dgram,id=wire,local.type=fd,local.str={wire}", "wire",
	     mac);
}

static void port(struct plan *plan, struct plan_step *step, const char *name)
{
	plan_option(plan, step, "-chardev",
		    plan_text(plan, "socket,id=%s,fd={%s}", name, name));
	plan_option(plan, step, "-device",
		    plan_text(plan, "virtserialport,chardev=%s,name=sluice.%s",
			      name, name));
}

static void disk(struct plan *plan, struct plan_step *step, const char *name,
		 const char *set, bool read_only)
{
	plan_option(plan, step, "-add-fd",
		    plan_text(plan, "fd={%s},set=%s", name, set));
	plan_option(plan, step, "-blockdev",
		    plan_text(plan,
			      "driver=raw,node-name=%s,%sfile.driver=file,"
			      "file.filename=/dev/fdset/%s",
			      name, read_only ? "read-only=on," : "", set));
	plan_option(plan, step, "-device",
		    plan_text(plan, "virtio-blk-pci,drive=%s", name));
}

static void shared(struct plan *plan, struct plan_step *step, const char *tag)
{
	plan_option(plan, step, "-chardev",
		    plan_text(plan, "socket,id=share-%s,fd={%s}", tag, tag));
	plan_option(plan, step, "-device",
		    plan_text(plan,
			      "vhost-user-fs-pci,queue-size=1024,"
			      "chardev=share-%s,tag=%s",
			      tag, tag));
}

/* It serves one folder to the one who holds the other end of its socket. */
static void plan_share(struct plan *plan, const char *name, const char *folder)
{
	const char *program = plan->options.machines.share_program;
	struct plan_step *step = plan_step(plan, name, PLAN_HOST);

	plan_word(plan, step, program ? program : "virtiofsd");
	plan_word(plan, step, "--fd={listener}");
	plan_word(plan, step, "-f");
	plan_option(plan, step, "-o", "sandbox=chroot");
	plan_option(plan, step, "-o", "log_level=err");
	plan_option(plan, step, "-o", plan_text(plan, "source=%s", folder));
}

static void plan_machines(struct plan *plan)
{
	const struct plan_machines *machines = &plan->options.machines;
	struct plan_step *step;

	if (!plan->options.root)
		plan_share(plan, "share-root", PLAN_VIEW);
	if (machines->share_program)
		plan_share(plan, "share-work", plan->options.workdir);
	step = machine(plan, "gateway-machine", machines->gateway_mib, false);
	wire(plan, step, MAC_GATEWAY);
	card(plan, step,
	     "user,id=uplink,net=" UPLINK4_NET ",host=" UPLINK4_ROUTER
	     ",ipv6-net=" UPLINK6_NET ",ipv6-host=" UPLINK6_ROUTER,
	     "uplink", MAC_UPLINK);
	plan_option(plan, step, "-device", "virtio-serial-pci");
	port(plan, step, "audit");
	port(plan, step, "ready");

	step = machine(plan, "agent-machine", machines->agent_mib,
		       machines->share_program != NULL);
	plan_option(plan, step, "-smp", "{processors}");
	wire(plan, step, MAC_AGENT);
	plan_option(plan, step, "-device", "virtio-serial-pci");
	port(plan, step, "control");
	port(plan, step, "in");
	port(plan, step, "out");
	port(plan, step, "err");
	if (plan->options.root)
		disk(plan, step, "root", "1", true);
	else
		shared(plan, step, ROOT_TAG);
	if (machines->mke2fs)
		disk(plan, step, "scratch", "2", false);
	if (machines->share_program)
		shared(plan, step, WORK_TAG);
}

static void plan_gateway(struct plan *plan)
{
	const struct plan_options *options = &plan->options;
	struct plan_step *step = plan_step(plan, "gateway", PLAN_GATEWAY);

	plan_word(plan, step, "/init");
	plan_word(plan, step, "--init");
	plan_option(plan, step, "--internal", "mac=" MAC_GATEWAY);
	plan_option(plan, step, "--internal-address",
		    plan_text(plan, "%s/%d", PLAN_GATEWAY4, PLAN_PREFIX4));
	plan_option(plan, step, "--internal-address",
		    plan_text(plan, "%s/%d", PLAN_GATEWAY6, PLAN_PREFIX6));
	plan_option(plan, step, "--agent", PLAN_AGENT4);
	plan_option(plan, step, "--agent", PLAN_AGENT6);
	plan_option(plan, step, "--agent-mac", MAC_AGENT);
	plan_option(plan, step, "--uplink", "mac=" MAC_UPLINK);
	plan_option(plan, step, "--uplink-address", UPLINK4);
	plan_option(plan, step, "--uplink-address", UPLINK6);
	plan_option(plan, step, "--uplink-gateway", UPLINK4_ROUTER);
	plan_option(plan, step, "--uplink-gateway", UPLINK6_ROUTER);
	plan_option(plan, step, "--never-dial", UPLINK4_NET);
	plan_option(plan, step, "--never-dial", UPLINK6_NET);
	plan_option(plan, step, "--manifest", PLAN_RUN_FOLDER "manifest.yaml");
	for (size_t i = 0; i < options->n_resolvers; i++)
		plan_option(plan, step, "--resolver", options->resolvers[i]);
	plan_option(plan, step, "--trust", PLAN_RUN_FOLDER "trust.pem");
	if (options->secrets)
		plan_option(plan, step, "--secrets", PLAN_RUN_FOLDER "secrets");
	plan_option(plan, step, "--audit", "/dev/virtio-ports/sluice.audit");
	plan_option(plan, step, "--log-level", "info");
}

static void plan_agent(struct plan *plan)
{
	const struct plan_options *options = &plan->options;
	const struct plan_machines *machines = &options->machines;
	struct plan_step *step = plan_step(plan, "agent", PLAN_AGENT);

	plan_word(plan, step, "/init");
	plan_option(plan, step, "--gateway", PLAN_GATEWAY4);
	plan_option(plan, step, "--gateway6", PLAN_GATEWAY6);
	plan_option(plan, step, "--interface", "mac=" MAC_AGENT);
	plan_option(plan, step, "--address",
		    plan_text(plan, "%s/%d", PLAN_AGENT4, PLAN_PREFIX4));
	plan_option(plan, step, "--address",
		    plan_text(plan, "%s/%d", PLAN_AGENT6, PLAN_PREFIX6));
	plan_option(plan, step, "--hostname", "agent");
	/* Both machines start at once; an emulated one takes its time. */
	plan_option(plan, step, "--timeout", "120");
	plan_option(plan, step, "--root",
		    options->root ? "/dev/vda" : "virtiofs:" ROOT_TAG);
	if (machines->mke2fs)
		plan_option(plan, step, "--scratch",
			    options->root ? "/dev/vdb" : "/dev/vda");
	if (machines->share_program) {
		plan_option(plan, step, "--share", WORK_TAG);
		plan_word(plan, step, options->workdir);
		plan_option(plan, step, "--workdir", options->workdir);
	}
	plan_option(plan, step, "--user",
		    plan_text(plan, "%u:%u", options->uid, options->gid));
	if (machines->terminal) {
		plan_option(plan, step, "--terminal",
			    plan_text(plan, "%ux%u", machines->rows,
				      machines->columns));
		plan_word(plan, step, machines->terminal);
	}
	plan_option(plan, step, "--env", PATH_DEFAULT);
	for (char *const *word = machines->environment; word && *word; word++)
		plan_option(plan, step, "--env", *word);
	plan_command(plan, step);
}

static void give(struct plan *plan, const char *where, const char *path,
		 const char *from)
{
	const struct plan_file file = {
		.where = where,
		.path = path,
		.from = from,
		.text = from ? NULL : "",
	};

	plan_file(plan, &file);
}

static void plan_files(struct plan *plan)
{
	const struct plan_options *options = &plan->options;
	const struct plan_machines *machines = &options->machines;

	give(plan, PLAN_GATEWAY, "/init", options->gateway_program);
	if (machines->suffixes)
		give(plan, PLAN_GATEWAY, machines->suffixes,
		     machines->suffixes);
	give(plan, PLAN_GATEWAY, PLAN_RUN_FOLDER "trust.pem",
	     options->trust ? options->trust : machines->trust);
	give(plan, PLAN_GATEWAY, PLAN_RUN_FOLDER "manifest.yaml",
	     options->manifest);
	if (options->secrets)
		give(plan, PLAN_GATEWAY, PLAN_RUN_FOLDER "secrets",
		     options->secrets);
	give(plan, PLAN_AGENT, "/init", options->init_program);
}

int qemu_plan(const struct plan_options *options, struct plan *plan)
{
	plan_begin(plan, options);
	plan_files(plan);
	plan_machines(plan);
	plan_gateway(plan);
	plan_agent(plan);
	return plan_end(plan);
}
