# watchstander.textfile.
{ evaluate, ... }:
let of = textfile: evaluate [{ watchstander = { inherit textfile; }; }]; in
{
  holds = {
    "nothing, unless something writes there" = (of { }).systemd.tmpfiles.rules == [ ];
    "a directory of root's" = (of { enable = true; directory = "/var/lib/x"; }).systemd.tmpfiles.rules == [ "d /var/lib/x 0755 root root -" ];
  };
  refused."a directory that Nix would copy" = (of { directory = ./textfile.nix; }).watchstander.textfile.directory;
}
