
/* What happened, in order; printed when the case is over. */
static struct {
	unsigned int step;
	unsigned int line;
	const char *op;
	const char *event;
	int ret;
	struct {
		unsigned int refs;
		bool bound;
	} devices[@{ devices.len() }@];
} log_entries[128];

static unsigned int log_count;
static unsigned int log_steps;
static unsigned int log_line;
static int log_ret;
static const char *log_scenario;

static const struct {
	const char *name;
	struct test_device *td;
} log_devices[] = {
@%- for device in devices %@
	{ "@{ device.name }@", &ctx.@{ device.field }@ },
@%- endfor %@
};

static void log_add(const char *op, const char *event, int ret)
{
	typeof(log_entries[0]) *entry;
	int i;

	if (log_count == ARRAY_SIZE(log_entries))
		return;

	entry = &log_entries[log_count++];
	entry->step = log_steps;
	entry->line = log_line;
	entry->op = op;
	entry->event = event;
	entry->ret = ret;
	for (i = 0; i < ARRAY_SIZE(log_devices); i++) {
		struct test_device *td = log_devices[i].td;
		bool alive = td->dev && !td->freed;

		entry->devices[i].refs = alive ? kref_read(&td->dev->kobj.kref) : 0;
		entry->devices[i].bound = alive && td->dev->driver;
	}
}

static void log_step(unsigned int line)
{
	log_steps++;
	log_line = line;
}

static void log_return(const char *op)
{
	log_add(op, NULL, log_ret);
	log_ret = 0;
}

static void log_event(const char *event)
{
	log_add(NULL, event, 0);
}

static void log_print(struct kunit *test)
{
	const typeof(log_entries[0]) *entry;
	char text[512];
	int i, j, n;

	kunit_info(test, "devres-trace: {\"trace\":1,\"case\":\"@{ name }@/%s/%s\"}",
		   log_scenario, ctx.kind->name);
	for (i = 0; i < log_count; i++) {
		entry = &log_entries[i];
		n = scnprintf(text, sizeof(text), "\"step\":%u,\"line\":%u,",
			      entry->step, entry->line);
		if (entry->op)
			n += scnprintf(text + n, sizeof(text) - n,
				       "\"op\":\"%s\",\"ret\":%d",
				       entry->op, entry->ret);
		else
			n += scnprintf(text + n, sizeof(text) - n,
				       "\"event\":\"%s\"", entry->event);
		n += scnprintf(text + n, sizeof(text) - n, ",\"devices\":{");
		for (j = 0; j < ARRAY_SIZE(log_devices); j++)
			n += scnprintf(text + n, sizeof(text) - n,
				       "%s\"%s\":{\"refs\":%u,\"driver\":%s}",
				       j ? "," : "", log_devices[j].name,
				       entry->devices[j].refs,
				       entry->devices[j].bound ? "\"driver\"" : "null");
		kunit_info(test, "devres-trace: {%s}}", text);
	}
}
