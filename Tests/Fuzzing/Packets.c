/*
 * libFuzzer's entry for the kernel programs: arbitrary packets, one after the other, through the parser and the verdict code as
 * it is compiled for this machine, with AddressSanitizer and UndefinedBehaviorSanitizer around it.
 *
 * The helpers of the kernel are made of small maps here. Every element is an allocation of its own with exactly the size that the
 * map declares, every copy goes through memcpy and every key through memcmp: so a read or write outside a value, a key, an event or
 * a variable on the stack is seen. An element that is deleted stays readable until the packet ends, as in the kernel.
 *
 * Beyond memory it holds, for each packet: a verdict that tc knows; a drop is reported or counted as lost, and nothing else is
 * reported as one; an event that is reserved is submitted; no frame of an unknown kind passes, none from the workload with an
 * address that is not its own, none towards it for another; what answers a denial has right checksums, passes the
 * other hook once, and no second time.
 *
 * An input is a list of records: flags, time and how much of the frame is linear, length (2 bytes, high first), bytes. The bytes
 * are a frame, or with WRITE a map, an index and a word to put there: damaged tables must not lead out of bounds either.
 * packet_seeds.py writes inputs.
 *
 * `Scripts/fuzz packets SECONDS planted` shows that it finds something: it hashes four bytes too many of a fragment's key.
 */
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#undef NULL
#undef __always_inline
#include "bulkhead.bpf.c"

enum { FROM_WORKLOAD = 1, FROM_HOST = 2, OBSERVE = 4, TAGGED = 8, SEGMENTED = 16, RING_FULL = 32, WRITE = 64, MAPS_FULL = 128 };
enum { INTERFACE = 7, SLOT = 3, PEER_IDENTITY = 5, NET_IDENTITY = 6, BOUND = 100, STACK = 9 };
/* Elements of a hash: few, so that a short input fills it. */
#define CAPACITY 12

static void demand(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "packets: %s\n", what);
	abort();
}

/* Maps */

struct element {
	struct element *next;
	unsigned char *key;
	void *value;
};

struct map {
	void *definition;
	const char *name;
	int type;
	__u32 key_size, value_size, maximum, count;
	struct element *first; /* the newest */
};

#define TABLE(name)                                                                                                        \
	{.definition = &name, #name, sizeof(*name.type) / sizeof(int), sizeof(*name.key), sizeof(*name.value),             \
	 sizeof(*name.max_entries) / sizeof(int), 0, NULL}

static struct map maps[] = {
	TABLE(meta), TABLE(interfaces), TABLE(interface_slots), TABLE(slots), TABLE(legs), TABLE(stacks), TABLE(exact), TABLE(prefixes),
	TABLE(prefix_shortcuts), TABLE(prefix_chunks), TABLE(pairs), TABLE(arena), TABLE(flows), TABLE(half_open), TABLE(fragments),
	TABLE(answers), TABLE(bounced), TABLE(link_locals), TABLE(counters),
};
#define MAPS (sizeof(maps) / sizeof(maps[0]))

static struct element *graveyard;
static int maps_are_full;

static struct map *map_of(const void *definition)
{
	for (unsigned index = 0; index < MAPS; index++)
		if (maps[index].definition == definition)
			return &maps[index];
	demand(0, "a helper got what is no map");
	return NULL;
}

static int is_array(const struct map *map) { return map->type == BPF_MAP_TYPE_ARRAY || map->type == BPF_MAP_TYPE_PERCPU_ARRAY; }

static struct element **place_of(struct map *map, const void *key)
{
	struct element **place = &map->first;

	while (*place && memcmp((*place)->key, key, map->key_size))
		place = &(*place)->next;
	return place;
}

static struct element *insert(struct map *map, const void *key)
{
	struct element *element = malloc(sizeof(*element));

	element->key = memcpy(malloc(map->key_size), key, map->key_size);
	element->value = calloc(1, map->value_size);
	element->next = map->first;
	map->first = element;
	map->count++;
	return element;
}

static void bury(struct map *map, struct element **place)
{
	struct element *element = *place;

	*place = element->next;
	element->next = graveyard;
	graveyard = element;
	map->count--;
}

static void empty(struct element **list)
{
	while (*list) {
		struct element *element = *list;

		*list = element->next;
		free(element->key);
		free(element->value);
		free(element);
	}
}

/* The longest prefix that holds the address; network order, as the trie compares. */
static struct element *longest(struct map *map, const unsigned char *wanted)
{
	struct element *best = NULL;
	__u32 most = 0, bits;

	for (struct element *each = map->first; each; each = each->next) {
		__u32 bit = 0;

		memcpy(&bits, each->key, sizeof(bits));
		while (bit < bits && !((each->key[4 + bit / 8] ^ wanted[4 + bit / 8]) & 0x80 >> bit % 8))
			bit++;
		if (bit == bits && (!best || bits > most)) {
			best = each;
			most = bits;
		}
	}
	return best;
}

static void *look_up(void *definition, const void *key)
{
	struct map *map = map_of(definition);
	struct element *found;
	__u32 index;

	if (map->type == BPF_MAP_TYPE_LPM_TRIE) {
		found = longest(map, memcpy(alloca(map->key_size), key, map->key_size));
		return found ? found->value : NULL;
	}
	if (is_array(map)) {
		memcpy(&index, key, sizeof(index));
		if (index >= map->maximum)
			return NULL;
	}
	found = *place_of(map, key);
	if (!found && is_array(map))
		found = insert(map, key);
	return found ? found->value : NULL;
}

static long update(void *definition, const void *key, const void *value, __u64 flags)
{
	struct map *map = map_of(definition);
	struct element **place = place_of(map, key);

	demand(!is_array(map) && map->type != BPF_MAP_TYPE_LPM_TRIE, "the programs write no such map");
	if (*place && flags & BPF_NOEXIST)
		return -17;
	if (*place) {
		/* As in the kernel another element: who holds the old one keeps what it said. */
		bury(map, place);
	} else if (map->type == BPF_MAP_TYPE_HASH && (maps_are_full || map->count >= CAPACITY)) {
		return -7;
	} else if (maps_are_full) {
		return -12;
	} else if (map->count >= CAPACITY) {
		for (place = &map->first; (*place)->next;)
			place = &(*place)->next;
		bury(map, place);
	}
	memcpy(insert(map, key)->value, value, map->value_size);
	return 0;
}

static long delete(void *definition, const void *key)
{
	struct map *map = map_of(definition);
	struct element **place = place_of(map, key);

	if (!*place)
		return -2;
	bury(map, place);
	return 0;
}

static long for_each(void *definition, void *callback, void *context, __u64 flags)
{
	struct map *map = map_of(definition);
	long (*visit)(void *, const void *, void *, void *) = callback;
	struct element *next;

	(void)flags;
	for (struct element *each = map->first; each; each = next) {
		next = each->next;
		if (visit(definition, each->key, each->value, context))
			break;
	}
	return 0;
}

/* Time, chance and events */

static __u64 clock_ns, chance;
static unsigned char *reserved;
static int ring_full;
static unsigned denied_events, lost_events_before;

static __u64 boot_ns(void) { return clock_ns; }
static __u64 jiffies(void) { return clock_ns / 4000000; }
static __u32 prandom(void) { return (__u32)((chance = chance * 6364136223846793005ull + 1442695040888963407ull) >> 33); }

static void *reserve(void *ring, __u64 size, __u64 flags)
{
	(void)flags;
	demand(ring == &events, "an event for another ring");
	demand(!reserved, "two events at once");
	return ring_full ? NULL : (reserved = malloc(size));
}

static void submit(void *data, __u64 flags)
{
	struct bulkhead_event event;

	(void)flags;
	demand(data && data == reserved, "submitted what was not reserved");
	memcpy(&event, data, sizeof(event));
	denied_events += event.kind == BULKHEAD_EVENT_DENIED;
	free(reserved);
	reserved = NULL;
}

static __u64 query(void *ring, __u64 flags)
{
	(void)ring, (void)flags;
	return ring_full ? BULKHEAD_EVENTS_BYTES : 0;
}

/* Packets */

static unsigned char *frame;

/* A program sees addresses of 32 bits, so the part of the frame that it may read directly lies where such an address leads. */
enum { LINEAR_ROOM = 65536 };
static unsigned char *linear_room;
static __u32 linear_bytes;

/* As network drivers do, with the IP header at a multiple of 4. */
static void place_linear_part(struct __sk_buff *skb)
{
	__u32 length = linear_bytes < skb->len ? linear_bytes : skb->len;
	unsigned char *start;

	if (!linear_room)
		linear_room = mmap(NULL, LINEAR_ROOM + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	demand(linear_room != MAP_FAILED, "no memory where 32 bits lead");
	__asan_unpoison_memory_region(linear_room, LINEAR_ROOM + 4096);
	start = linear_room + 2;
	memcpy(start, frame, length);
	__asan_poison_memory_region(start + length, LINEAR_ROOM + 4096 - 2 - length);
	skb->data = (__u32)(unsigned long)start;
	skb->data_end = skb->data + length;
}

static long load_bytes(const void *context, __u32 offset, void *to, __u32 length)
{
	const struct __sk_buff *skb = context;

	if (offset > skb->len || length > skb->len - offset) {
		memset(to, 0, length);
		return -14;
	}
	memcpy(to, frame + offset, length);
	return 0;
}

static long store_bytes(struct __sk_buff *skb, __u32 offset, const void *from, __u32 length, __u64 flags)
{
	(void)flags;
	if (offset > skb->len || length > skb->len - offset)
		return -14;
	memcpy(frame + offset, from, length);
	return 0;
}

static long change_tail(struct __sk_buff *skb, __u32 length, __u64 flags)
{
	(void)flags;
	if (length < 34 || length > 65535)
		return -22;
	frame = realloc(frame, length);
	if (length > skb->len)
		memset(frame + skb->len, 0, length - skb->len);
	skb->len = length;
	return 0;
}

static long redirect(__u32 interface, __u64 flags)
{
	demand(interface == INTERFACE && !(flags & ~BPF_F_INGRESS), "an answer leaves by another interface");
	return TC_ACT_REDIRECT;
}

/* The world: a workload with an address of each version, which knows a peer by its address and another by its net. */

static const struct bulkhead_address OWN4 = {{10, 8, 0, 10}}, PEER4 = {{10, 8, 0, 11}};
static const struct bulkhead_address OWN6 = {{0xfd, 8, [15] = 10}}, PEER6 = {{0xfd, 8, [15] = 11}};

static void put(void *definition, const void *key, const void *value)
{
	struct map *map = map_of(definition);
	struct element **place = place_of(map, key);

	memcpy((*place ? *place : insert(map, key))->value, value, map->value_size);
}

static void put_word(void *definition, __u32 index, __u64 word) { put(definition, &index, &word); }

static void put_tagged(void *definition, const void *key, __u32 payload)
{
	__u64 word = bulkhead_word(payload, bulkhead_tag(key, map_of(definition)->key_size));

	put(definition, key, &word);
}

/* Ranges follow the header: keys in order, the first 0. */
static void put_row(__u32 row, __u32 count, const __u32 ranges[][2])
{
	put_word(&arena, row, count);
	for (__u32 index = 0; index < count; index++)
		put_word(&arena, row + 1 + index, (__u64)ranges[index][1] << 32 | ranges[index][0]);
}

#define DECISION(kind, number) BULKHEAD_OUTCOME(BULKHEAD_OUTCOME_##kind, BULKHEAD_FIRST_DECISION + (number))

static void build_world(void)
{
	const __u32 base[][2] = {
		{0, DECISION(DENY, 0)}, {1 << 16, DECISION(ALLOW, 1)}, {6 << 16, DECISION(REJECT, 2)}, {6 << 16 | 80, DECISION(ALLOW, 3)},
		{6 << 16 | 81, BULKHEAD_OUTCOME(BULKHEAD_OUTCOME_SOURCE_PORTS, 60)}, {7 << 16, DECISION(REJECT, 4)},
		{17 << 16 | 9, DECISION(ALLOW, 5)}, {17 << 16 | 10, DECISION(REJECT, 6)}, {18 << 16, DECISION(ALLOW, 7)},
		{58 << 16, DECISION(REJECT, 8)}, {58 << 16 | 128 << 8, DECISION(ALLOW, 9)}, {59 << 16, DECISION(DENY, 10)}};
	const __u32 peers[][2] = {{0, BULKHEAD_OUTCOME(BULKHEAD_OUTCOME_INHERIT, 0)}, {6 << 16 | 443, DECISION(DENY, 11)}, {7 << 16, BULKHEAD_OUTCOME(BULKHEAD_OUTCOME_INHERIT, 0)}};
	const __u32 sources[][2] = {{0, DECISION(DENY, 12)}, {1024, DECISION(ALLOW, 13)}, {60000, DECISION(REJECT, 14)}};
	struct bulkhead_interface_key interface = {INTERFACE};
	struct bulkhead_slot slot = {1, 0, BULKHEAD_SLOT_TAGGED};
	__u32 number = SLOT;

	put_tagged(&interfaces, &interface, SLOT);
	put_word(&interface_slots, INTERFACE, (__u64)INTERFACE << 32 | SLOT);
	put(&slots, &number, &slot);
	for (__u32 six = 0; six < 2; six++) {
		struct bulkhead_leg_key leg = {SLOT, six ? 6 : 4, six ? OWN6 : OWN4};
		struct bulkhead_exact_key known = {0, six ? 6 : 4, six ? PEER6 : PEER4};
		struct bulkhead_prefix_key net = {six ? 32 + 16 : 32 + 24, swap32(six), six ? PEER6 : PEER4};
		__u64 word = (__u64)~(__u32)NET_IDENTITY << 32 | NET_IDENTITY;

		put_tagged(&legs, &leg, 1 + six);
		for (__u8 kind = BULKHEAD_LEG_OF_GROUPS; kind <= BULKHEAD_LEG_OF_OTHERS; kind++) {
			struct bulkhead_leg_key shared = {SLOT, leg.family | BULKHEAD_SHARED_LEG, {{six ? 0xff : 0xe0}}};

			shared.address.bytes[six ? 15 : 3] = kind;
			put_tagged(&legs, &shared, 1 + six);
		}
		put_tagged(&exact, &known, PEER_IDENTITY);
		put(&prefixes, &net, &word);
		for (__u32 index = 0; index < 8; index++)
			put_word(&stacks, (1 + six) * 8 + index, (__u64)BOUND << 32 | STACK);
	}
	put_tagged(&pairs, &(struct bulkhead_pair_key){STACK, BULKHEAD_BASE, BULKHEAD_BASE}, 1);
	put_tagged(&pairs, &(struct bulkhead_pair_key){STACK, PEER_IDENTITY, NET_IDENTITY}, 40);
	put_row(1, sizeof(base) / sizeof(base[0]), base);
	put_row(40, sizeof(peers) / sizeof(peers[0]), peers);
	put_row(60, sizeof(sources) / sizeof(sources[0]), sources);
	put_word(&meta, BULKHEAD_META_ADOPTION, 10 * BULKHEAD_SECOND);
}

/* Puts a word where a writer that went wrong, or a bit of memory, could. */
static void damage(const unsigned char *bytes, __u32 length)
{
	void *const arrays[] = {&arena, &stacks, &meta, &prefix_shortcuts, &prefix_chunks, &answers, &interface_slots};
	void *const words[] = {&pairs, &exact, &legs, &prefixes, &interfaces};
	__u64 word = 0;
	__u32 index = 0;

	if (length < 13)
		return;
	memcpy(&index, bytes + 1, sizeof(index));
	memcpy(&word, bytes + 5, sizeof(word));
	if (bytes[0] & 1) {
		/* The index names a place that is there, or by a high byte one far off. */
		struct map *map = map_of(arrays[bytes[0] / 2 % 7]);

		if (map->definition == &meta && index % map->maximum == BULKHEAD_META_OBSERVE)
			return;
		put_word(map->definition, bytes[4] ? index % map->maximum : index % 128 % map->maximum, word);
	} else {
		struct map *map = map_of(words[bytes[0] / 2 % 5]);
		struct element *element = map->first;

		for (index %= map->count; index; index--)
			element = element->next;
		memcpy(element->value, &word, sizeof(word));
	}
}

/* What must hold */

static __u16 sum16(const unsigned char *bytes, __u32 length, __u32 sum)
{
	for (__u32 index = 0; index < length; index++)
		sum += index % 2 ? bytes[index] : (__u32)bytes[index] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void check_answer(const struct __sk_buff *skb)
{
	int six = frame[12] == 0x86;
	__u32 header = six ? 40 : 20, protocol = six ? frame[20] : frame[23];
	__u32 length = skb->len - ETHERNET_HEADER - header;
	__u32 pseudo = six ? sum16(frame + 22, 32, length + protocol) : sum16(frame + 26, 8, length + protocol);

	demand(six ? frame[14] == 0x60 && (frame[18] << 8 | frame[19]) == (int)length
		   : frame[14] == 0x45 && (frame[16] << 8 | frame[17]) == (int)(length + header) && sum16(frame + 14, 20, 0) == 0xffff,
	       "an answer's header");
	demand(protocol == PROTOCOL_TCP || protocol == (six ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP), "an answer's protocol");
	demand(protocol != PROTOCOL_TCP || (length == 20 && frame[ETHERNET_HEADER + header + 13] & TCP_RST), "an answer's reset");
	demand(sum16(frame + ETHERNET_HEADER + header, length, six || protocol == PROTOCOL_TCP ? pseudo : 0) == 0xffff, "an answer's checksum");
}

static int zero(const unsigned char *bytes, int length)
{
	while (length--)
		if (bytes[length])
			return 0;
	return 1;
}

/* For a frame that passes; much weaker than policy, and written without a look at the parser. */
static void check_passed(const struct __sk_buff *skb, int direction)
{
	int kind = frame[12] << 8 | frame[13];
	const unsigned char *source = frame + (kind == 0x0800 ? 26 : 22), *destination = frame + (kind == 0x0800 ? 30 : 38);
	int size = kind == 0x0800 ? 4 : 16;
	const unsigned char *own = kind == 0x0800 ? OWN4.bytes : OWN6.bytes;

	demand(!skb->vlan_present && (kind == 0x0800 || kind == 0x86dd || kind == 0x0806), "a frame of an unknown kind passed");
	if (kind == 0x0806)
		return;
	if (direction == BULKHEAD_EGRESS)
		demand(!memcmp(source, own, size) || zero(source, size) || (size == 16 && source[0] == 0xfe && source[1] >> 6 == 2),
		       "a foreign source passed");
	else if (size == 4)
		demand(!memcmp(destination, own, 4) || destination[0] >= 224 || frame[0] & 1 || (frame[23] == 17 && !skb->gso_size),
		       "a packet for another passed");
	else
		demand(!memcmp(destination, own, 16) || destination[0] == 0xff || (destination[0] == 0xfe && destination[1] >> 6 == 2) || frame[20] == 58 || frame[20] == 0 || frame[20] == 60 || frame[0] & 1,
		       "a packet for another passed");
}

static __u64 counter(__u32 index)
{
	__u64 value;

	memcpy(&value, look_up(&counters, &index), sizeof(value));
	return value;
}

static int run_program(struct __sk_buff *skb, int direction)
{
	__u64 lost = counter(BULKHEAD_COUNTER_EVENTS_LOST);
	int verdict;

	denied_events = 0;
	place_linear_part(skb);
	verdict = direction == BULKHEAD_EGRESS ? bulkhead_from_workload(skb) : bulkhead_to_workload(skb);
	demand(!reserved, "an event was reserved and not submitted");
	demand(verdict == TC_ACT_UNSPEC || verdict == TC_ACT_SHOT || verdict == TC_ACT_REDIRECT, "no verdict that tc knows");
	if (verdict != TC_ACT_UNSPEC)
		demand(denied_events + (counter(BULKHEAD_COUNTER_EVENTS_LOST) - lost) >= 1, "a drop that nobody is told of");
	empty(&graveyard);
	return verdict;
}

static void pass_frame(__u8 flags, const unsigned char *bytes, __u32 length)
{
	int direction = flags & FROM_WORKLOAD ? BULKHEAD_EGRESS : BULKHEAD_INGRESS;
	struct __sk_buff skb = {.len = length, .ifindex = INTERFACE, .ingress_ifindex = flags & FROM_HOST ? 0 : 2,
				.vlan_present = !!(flags & TAGGED), .gso_size = flags & SEGMENTED ? 1448 : 0,
				.gso_segs = flags & SEGMENTED && length % 2 ? 2 : 0};
	int verdict;

	/* The kernel hands no shorter one to tc. */
	if (length < ETHERNET_HEADER)
		return;
	put_word(&meta, BULKHEAD_META_OBSERVE, !!(flags & OBSERVE));
	frame = memcpy(malloc(length), bytes, length);
	verdict = run_program(&skb, direction);
	if (flags & OBSERVE)
		demand(verdict == TC_ACT_UNSPEC, "a drop while only observing");
	else if (verdict == TC_ACT_UNSPEC) {
		demand(!denied_events, "a packet passed that was reported as denied");
		check_passed(&skb, direction);
	} else if (verdict == TC_ACT_REDIRECT) {
		check_answer(&skb);
		demand(skb.mark, "an answer without a mark");
		__u32 mark = skb.mark;
		demand(run_program(&skb, !direction) == TC_ACT_UNSPEC && !skb.mark && !denied_events, "an answer that does not arrive");
		skb.mark = mark;
		skb.ingress_ifindex = INTERFACE;
		__u64 answers_before = counter(BULKHEAD_ANSWER);
		run_program(&skb, !direction);
		demand(counter(BULKHEAD_ANSWER) == answers_before, "a mark was good for two packets");
	}
	free(frame);
	frame = NULL;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, unsigned long size)
{
	/* What a network card or a tap leaves linear; most often all. */
	static const __u32 linear[] = {LINEAR_ROOM, 0, 14, 30, 34, 42, 54, 74};
	static const __u64 waits[] = {0, 1000, 1000000, 500000000, 2, 11, 31, 61, 121, 181, 601, 1801, 3600, 86401, 0, 0};

	bpf_get_prandom_u32 = prandom;
	bpf_skb_store_bytes = store_bytes;
	bpf_redirect = redirect;
	bpf_skb_change_tail = change_tail;
	bpf_map_lookup_elem = look_up;
	bpf_map_update_elem = update;
	bpf_map_delete_elem = delete;
	bpf_skb_load_bytes = load_bytes;
	bpf_ktime_get_boot_ns = boot_ns;
	bpf_jiffies64 = jiffies;
	bpf_ringbuf_reserve = reserve;
	bpf_ringbuf_submit = submit;
	bpf_ringbuf_query = query;
	bpf_for_each_map_elem = for_each;
	clock_ns = 2 * BULKHEAD_SECOND;
	chance = 1;
	maps_are_full = ring_full = 0;
	build_world();
	while (size >= 4) {
		__u8 flags = bytes[0], when = bytes[1];
		__u32 length = bytes[2] << 8 | bytes[3];

		bytes += 4;
		size -= 4;
		if (length > size)
			length = size;
		clock_ns += waits[when & 15] * ((when & 15) > 3 ? BULKHEAD_SECOND : 1);
		if (when & 128) {
			__u32 index = BULKHEAD_META_EPOCH;

			++*(__u64 *)look_up(&meta, &index);
		}
		ring_full = !!(flags & RING_FULL);
		maps_are_full = !!(flags & MAPS_FULL);
		linear_bytes = linear[when >> 4 & 7];
		if (flags & WRITE)
			damage(bytes, length);
		else
			pass_frame(flags, bytes, length);
		bytes += length;
		size -= length;
	}
	for (unsigned index = 0; index < MAPS; index++) {
		empty(&maps[index].first);
		maps[index].count = 0;
	}
	return 0;
}
