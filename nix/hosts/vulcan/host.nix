# The machine itself: an Apple T2 with 64 GiB of memory, rpool on SSDs and tank on disks.
{
  networking.hostName = "vulcan";
  time.timeZone = "America/Los_Angeles";
  system.stateVersion = "25.05";
}
