/*
 * pins.h - which address was given to the agent for which name
 *
 * Two kinds, in memory that all workers share:
 *
 * A *real* pin says "the agent was told that NAME is at ADDRESS". It is a
 * claim to check a connection against and never a destination: the gateway
 * resolves the name again when it dials. So a pin that stays too long does no
 * harm, and pins stay until their room is needed; the one that was used
 * longest ago goes first, one that a flow holds never. (To be told again, or
 * held and released, is to be used.)
 *
 * A *virtual* pin gives a name an address of its own, in 198.18.0.0/15 and in
 * the same place of a ULA prefix. It is never changed and never reused.
 *
 * Finding, adding and evicting take the same few steps however many there are.
 *
 * The first address of both ranges is the refusal address: names that are not
 * allowed lead there, and whatever connects there is told so.
 */
#ifndef SLUICE_PINS_H
#define SLUICE_PINS_H

#include "address.h"
#include "budget.h"
#include "domain.h"

#define PINS_REAL_MAX 131072
#define PINS_VIRTUAL_MAX 130816 /* the /15 without its first 256 */

struct pins;

/* Shared memory for this process and its children; NULL on failure. */
struct pins *pins_new(void);

/*
 * Forgets that any flow holds anything, and repairs what a process that was
 * killed may have left: called while no worker runs.
 */
void pins_recover(struct pins *pins);

/* Records that @name was answered with @address. */
void pins_add(struct pins *pins, const struct domain *name,
	      const struct address *address);

/*
 * Whether @name was answered with @address; if so a flow may hold the pin
 * until it calls pins_release() with the same two.
 */
MUST_CHECK bool pins_hold(struct pins *pins, const struct domain *name,
			  const struct address *address);
void pins_release(struct pins *pins, const struct domain *name,
		  const struct address *address);

/* The virtual addresses of @name, made if need be. False when all are used. */
MUST_CHECK bool pins_virtual(struct pins *pins, const struct domain *name,
			     struct address *v4, struct address *v6);

/* The name that a virtual address stands for. */
MUST_CHECK bool pins_name(struct pins *pins, const struct address *address,
			  struct domain *name);

/*
 * Whether a question for @name, which a wildcard over @base admits, is within
 * the budget of that wildcard (budget.h), which all workers share. If so it is
 * spent. @is_other is as in budget_spend().
 */
MUST_CHECK bool pins_spend(struct pins *pins, const struct domain *base,
			   const struct domain *name, bool is_other,
			   int64_t now_ms);

/* Whether the address is in the virtual ranges, used or not. */
bool pins_is_virtual(const struct address *address);

void pins_refusal_address(struct address *v4, struct address *v6);
bool pins_is_refusal_address(const struct address *address);

#endif
