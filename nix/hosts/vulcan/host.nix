# The machine itself: an Apple T2 with 64 GiB of memory, rpool on SSDs and tank on disks.
{
  networking.hostName = "vulcan";
  time.timeZone = "America/Los_Angeles";
  system.stateVersion = "25.05";

  # What it boots from: without these no system is built. The datasets and the label are
  # examples. The firmware's own list of what to boot is left alone, as a T2 refuses such writes.
  boot.loader.grub = { device = "nodev"; efiSupport = true; efiInstallAsRemovable = true; };
  fileSystems = {
    "/" = { device = "rpool/root"; fsType = "zfs"; };
    "/boot" = { device = "/dev/disk/by-label/BOOT"; fsType = "vfat"; };
  };
}
