# Storage: ZFS' bounds and figures.
{ watchstander.zfs.enable = true; }
