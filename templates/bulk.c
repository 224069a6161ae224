/* Programs: for each kind how many bytes; of each its length and its operations. */
asm(".pushsection .rodata\n"
    "bulk_programs:\n"
    ".incbin \"@{ bulk.programs }@\"\n" /* @{ bulk.digest }@ */
    ".popsection\n");
extern const u8 bulk_programs[];

static void run_op(unsigned int op)
{
	int ret;

	switch (op) {
@{ bulk.cases }@	}
}

static void begin_program(struct kunit *test, const struct test_kind *kind)
{
	memset(&ctx, 0, sizeof(ctx));
@%- if uses.test %@
	ctx.test = test;
@%- endif %@
	ctx.kind = kind;
	setup_test_device(&ctx.dev, "@{ dev_name }@", ctx.kind@% if uses.below %@, NULL@% endif %@);
@%- if uses.bound_kind && uses.callbacks %@
	if (ctx.kind->driver) {
		ctx.dev_driver.td = &ctx.dev;
		ctx.dev_driver.driver = ctx.kind->driver;
	}
@%- endif %@
@{ bulk.set_up }@}

static bool is_something_left(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(test_devices); i++)
		if (test_devices[i]->dev)
			return true;

	return false;
}

static void bulk_test(struct kunit *test)
{
	const struct test_kind *kind = test->param_value;
	const u8 *at = bulk_programs, *end;
	unsigned int done = 0, batch = 0, i, size = 0;

	for (i = 0; i <= kind - @{ kunit_name }@_kinds; i++) {
		at += size;
		size = at[0] | at[1] << 8 | at[2] << 16 | at[3] << 24;
		at += 4;
	}
	end = at + size;
	sched_set_fifo_low(current); /* workers are for when it waits */
	log_hash = 0xcbf29ce484222325ULL;
	while (at < end) {
		begin_program(test, kind);
		for (i = *at++; i; i--) {
			log_quiet = *at & 0x80;
			run_op(*at++ & 0x7f);
		}
		done++;
		batch++;
		if (is_something_left())
			KUNIT_FAIL(test, "devres-bulk-left: @{ name }@ %s %u",
				   kind->name, done - 1);
		if (batch == @{ bulk.batch }@ || at == end || is_something_left()) {
			kunit_info(test, "devres-bulk: @{ name }@ %s %u %u %llx",
				   kind->name, done - batch, batch, log_hash);
			batch = 0;
			log_hash = 0xcbf29ce484222325ULL;
		}
		/* Who starves is let in at last, in the middle of an operation. */
		if (done % 512 == 0)
			schedule_timeout_uninterruptible(1);
		if (is_something_left())
			return;
	}
}
