// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl: explain why there is no /dev/mbox, with advice */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "mboxctl.h"

static bool exists(const char *pattern)
{
	glob_t found;
	bool any = !glob(pattern, GLOB_NOSORT, NULL, &found) && found.gl_pathc;

	globfree(&found);
	return any;
}

/* Return whether a line of the file has @text. */
static bool file_has(const char *path, const char *text)
{
	FILE *f = fopen(path, "re");
	char line[1024];
	bool has = false;

	while (f && !has && fgets(line, sizeof(line), f))
		has = strstr(line, text);
	if (f)
		fclose(f);
	return has;
}

/* Return whether the module of this kernel is installed. */
static bool installed(const char *release)
{
	static const char *const places[] = {
		"updates/mbox.ko*", "updates/dkms/mbox.ko*", "extra/mbox.ko*", "kernel/ipc/mbox.ko*",
	};
	char path[256];

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(path, sizeof(path), "/lib/modules/%s/%s", release, places[i]);
		if (exists(path))
			return true;
	}
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", release);
	return file_has(path, "/mbox.ko");
}

/* Return whether the kernel loads modules only if a key that it knows has signed them. */
static bool wants_signature(void)
{
	return file_has("/sys/module/module/parameters/sig_enforce", "Y") ||
	       file_has("/sys/kernel/security/lockdown", "[integrity]") ||
	       file_has("/sys/kernel/security/lockdown", "[confidentiality]");
}

/* Report ENODEV: the device is missing though the module is loaded; or tell where the module is. */
int refuse_missing(const struct command *cmd)
{
	char path[256], hint[256];
	struct utsname kernel;

	if (!access("/sys/module/mbox", F_OK))
		return refuse(cmd, -ENODEV, "try: mdev or udevadm trigger, or check that /dev is a devtmpfs",
			      "the mbox module is loaded, but there is no /dev/mbox");
	if (uname(&kernel))
		return refuse(cmd, -ENODEV, NULL, "the mbox module is not loaded");
	if (installed(kernel.release) && wants_signature())
		return refuse(cmd, -ENODEV,
			      "if modprobe mbox says that the key was rejected: mokutil --import /var/lib/dkms/mok.pub, reboot and enrol it",
			      "the mbox module is not loaded, and this kernel takes signed modules only (Secure Boot)");
	if (installed(kernel.release))
		return refuse(cmd, -ENODEV, "try: modprobe mbox (as root)",
			      "the mbox module is installed, but not loaded");
	if (!exists("/usr/src/mbox-*"))
		return refuse(cmd, -ENODEV,
			      "install the package mbox-dkms, or: make modules_install (built only: insmod mbox.ko); then modprobe mbox",
			      "the mbox module is not installed for kernel %s", kernel.release);
	snprintf(path, sizeof(path), "/lib/modules/%s/build", kernel.release);
	snprintf(hint, sizeof(hint), "try: apt install linux-headers-%s, then modprobe mbox (as root)",
		 kernel.release);
	if (access(path, F_OK))
		return refuse(cmd, -ENODEV, hint, "mbox-dkms has no headers of kernel %s to build the module with",
			      kernel.release);
	return refuse(cmd, -ENODEV, "try: dkms autoinstall, then modprobe mbox (as root)",
		      "mbox-dkms has not built the module for kernel %s", kernel.release);
}
