# vulcan's pools, backups, databases and authority: what they are stands in zfs.nix, backup.nix,
# postgresql.nix and stepca.nix.
{ imports = [ ../../profiles/storage.nix ]; }
