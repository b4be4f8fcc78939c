# watchstander.textfile.
{ lib, evaluate, ... }:
let
  of = textfile: evaluate [{ watchstander = { inherit textfile; }; }];
  # Both of an exporter of the host's own and of watchstander.exporters.
  node = more: (evaluate [
    { watchstander.textfile = { enable = true; directory = "/var/lib/x"; }; watchstander.alerts.runbooks = "https://git.example.org/runbooks"; }
    more
  ]).services.prometheus.exporters.node;
  told = n: n.enable && lib.elem "textfile" n.enabledCollectors
    && lib.count (f: f == "--collector.textfile.directory=/var/lib/x") n.extraFlags == 1;
in
{
  holds = {
    "nothing, unless something writes there" = (of { }).systemd.tmpfiles.rules == [ ];
    "a directory of root's" = (of { enable = true; directory = "/var/lib/x"; }).systemd.tmpfiles.rules == [ "d /var/lib/x 0755 root root -" ];
    "node_exporter is told" = told (node { services.prometheus.exporters.node.enable = true; });
    "and once" = told (node { watchstander.exporters.node.enable = true; });
    "one that reads no files is not" = !(lib.elem "textfile" (evaluate [{ services.prometheus.exporters.node.enable = true; }]).services.prometheus.exporters.node.enabledCollectors);
    "and none is enabled by it" = !(node { }).enable;
  };
  refused."a directory that Nix would copy" = (of { directory = ./textfile.nix; }).watchstander.textfile.directory;
}
