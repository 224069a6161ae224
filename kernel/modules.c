// The only process of a kernel: loads and unloads each module beside it, twice.
//
// KUnit runs the tests of a module when it is loaded; what a module leaves behind
// (a bus, a class, a driver) would be in the way when it is loaded again.

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int try_module(const char *file)
{
	char name[256];
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	char *c;

	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0)) {
		perror(file);
		return -1;
	}
	close(fd);
	snprintf(name, sizeof(name), "%s", file);
	*strstr(name, ".ko") = 0;
	for (c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	if (syscall(SYS_delete_module, name, O_NONBLOCK)) {
		perror(name);
		return -1;
	}
	return 0;
}

int main(void)
{
	int round, failed = 0, tried = 0;

	for (round = 0; round < 2; round++) {
		DIR *dir = opendir("/");
		struct dirent *entry;

		while ((entry = readdir(dir))) {
			if (!strstr(entry->d_name, ".ko"))
				continue;
			tried++;
			failed |= try_module(entry->d_name);
		}
		closedir(dir);
	}
	printf("modules: %s\n", !failed && tried ? "all of them, twice" : "not well");
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	return 0;
}
