# watchstander.containers.
{ lib, evaluate, broken, tells, ... }:
let
  digest = "sha256:${lib.concatStrings (lib.genList (_: "0123456789abcdef") 4)}";
  of = containers: more: evaluate [{ watchstander = { containers = { enable = true; } // containers; alerts.runbooks = "https://git.example.org/runbooks"; }; } more];
  wiki = { image = "docker.io/example/wiki"; inherit digest; ports = [{ host = 8080; container = 80; }]; };
  one = of { apps.wiki = wiki // { capabilities = [ "NET_BIND_SERVICE" ]; memory = "1g"; }; } { };
  container = one.virtualisation.oci-containers.containers.wiki;
  with' = more: exceptions: of { apps.wiki = wiki // more; exceptions.wiki = exceptions; } { };
  # One that somebody declared beside us, and what of it breaks which rule.
  raw = more: of { } {
    virtualisation.oci-containers.containers.old = {
      image = "docker.io/example/old@${digest}";
      ports = [ "127.0.0.1:1:1" ];
      capabilities.ALL = false;
      extraOptions = [ "--read-only" "--security-opt=no-new-privileges" "--userns=auto" "--memory=1g" "--pids-limit=9" ];
    } // more;
  };
  breaks = rule: more: tells "breaks rules of watchstander.containers: ${rule}." (raw more);
  options = [ "--read-only" "--security-opt=no-new-privileges" "--userns=auto" "--memory=1g" "--pids-limit=9" ];
  without = o: { extraOptions = lib.filter (x: !(lib.hasPrefix o x)) options; };
in
{
  holds = {
    "nothing, unless it is enabled" = (evaluate [{ watchstander.containers.apps.wiki = wiki; }]).virtualisation.oci-containers.containers == { };
    "an app keeps every rule" = broken one == [ ];
    "its image is the one that was tried" = container.image == "docker.io/example/wiki@${digest}";
    "its port is on this host alone" = container.ports == [ "127.0.0.1:8080:80/tcp" ];
    "its capabilities" = container.capabilities == { ALL = false; NET_BIND_SERVICE = true; };
    "its options" = container.extraOptions == [
      "--read-only" "--security-opt=no-new-privileges" "--userns=auto" "--memory=1g" "--memory-swap=1g" "--pids-limit=256"
      "--cpus=1.0" "--stop-timeout=30" "--tmpfs=/tmp:rw,noexec,nosuid,nodev,size=64m" "--tmpfs=/run:rw,noexec,nosuid,nodev,size=64m"
    ];
    "its restarts have an end" = one.systemd.services.podman-wiki.serviceConfig.Restart == "on-failure" && one.systemd.services.podman-wiki.unitConfig.StartLimitBurst == 5;
    "its users are nobody's of the host" = (lib.head one.users.users.containers.subUidRanges).startUid > 1000000000;
    "one without a digest does not run, and is listed" =
      let c = of { apps.wiki = wiki // { digest = null; }; } { }; in
      c.virtualisation.oci-containers.containers == { } && !(c.systemd.services ? podman-wiki) && broken c == [ ]
      && (builtins.fromJSON c.environment.etc."watchstander/containers.json".text).unpinned == [ "wiki" ];
    "an exception is one, with its reason" =
      let c = with' { } { writableRoot = "it writes its own code"; }; in
      broken c == [ ] && !(lib.elem "--read-only" c.virtualisation.oci-containers.containers.wiki.extraOptions)
      && lib.hasInfix "it writes its own code" c.environment.etc."watchstander/containers.json".text;
    "Podman, and no scan" = one.virtualisation.podman.enable && !(one.systemd.services ? watchstander-image-scan);
    "a scan of what runs" =
      let c = of { apps.wiki = wiki; scan.enable = true; } { }; in
      lib.hasInfix " podman " c.systemd.services.watchstander-image-scan.serviceConfig.ExecStart && c.watchstander.alerts.files ? containers;

    "a port for everybody is told" = tells "breaks rules of watchstander.containers: published" (with' { ports = [{ host = 80; container = 80; address = "0.0.0.0"; }]; } { });
    "unless there is a reason" = broken (with' { ports = [{ host = 80; container = 80; address = "0.0.0.0"; }]; } { published = "the world talks to it"; }) == [ ];
    "others' containers are held to the rules" = broken (raw { }) == [ ];
    "a port without an address" = breaks "published" { ports = [ "8080:80" ]; };
    "a port by an option" = breaks "published" { extraOptions = options ++ [ "--publish=80:80" ]; };
    "a tag" = breaks "unpinned" { image = "docker.io/example/old:latest"; };
    "a root that is written to" = breaks "writableRoot" (without "--read-only");
    "new privileges" = breaks "newPrivileges" (without "--security");
    "all capabilities" = breaks "capabilities" { capabilities = { }; };
    "the host's users" = breaks "hostUsers" { extraOptions = lib.filter (o: o != "--userns=auto") options ++ [ "--userns=host" ]; };
    "no limits" = breaks "unlimited" (without "--memory");
    "the host's network" = breaks "hostNetwork" { networks = [ "host" ]; };
    "the host's files" = breaks "hostPaths" { volumes = [ "/:/host:ro" ]; };
    "an engine's socket" = breaks "hostPaths" { volumes = [ "/run/podman/podman.sock:/var/run/docker.sock" ]; };
    "a directory of its own is none" = broken (raw { volumes = [ "/tank/wiki:/data:idmap" "cache:/cache" ]; }) == [ ];
    "as good as root" = breaks "privileged" { privileged = true; };
    "by a capability" = breaks "privileged" { capabilities = { ALL = false; SYS_ADMIN = true; }; } && breaks "privileged" { extraOptions = options ++ [ "--cap-add=CAP_SYS_MODULE" ]; };
    "by the host's processes" = breaks "privileged" { extraOptions = options ++ [ "--pid=host" ]; };
    "without the filter" = breaks "privileged" { extraOptions = options ++ [ "--security-opt=seccomp=unconfined" ]; };
    "a mount by an option" = breaks "hostPaths" { extraOptions = options ++ [ "--mount=type=bind,src=/etc,dst=/x" ]; };
    "a small capability is none" = broken (raw { capabilities = { ALL = false; NET_BIND_SERVICE = true; }; }) == [ ];
    "a NixOS container with the host's root is told" = tells "containers.nginx: its root is the host's root" (of { } { containers.nginx.autoStart = true; });
    "one with users of its own is not" = broken (of { } { containers.nginx.privateUsers = "pick"; }) == [ ];
    "an exception for nobody is told" = tells "a container that is not there: wikki" (of { exceptions.wikki.published = "x"; } { });
    "Docker is told" = tells "this host runs Podman" (of { } { virtualisation.docker.enable = true; })
      && tells "this host runs Podman" (of { } { virtualisation.oci-containers.backend = "docker"; });
    "Docker's socket, too" = tells "everybody in the group `podman` root" (of { } { virtualisation.podman.dockerSocket.enable = true; });
  };
  refused = {
    "an image with a tag" = (with' { image = "docker.io/example/wiki:latest"; } { }).virtualisation.oci-containers.containers;
    "an image from wherever" = (with' { image = "wiki"; } { }).virtualisation.oci-containers.containers;
    "half a digest" = (with' { digest = "sha256:0123"; } { }).virtualisation.oci-containers.containers;
    "an exception without a reason" = (with' { } { published = ""; }).watchstander.containers.exceptions.wiki.published;
    "a rule that is none" = (with' { } { root = "x"; }).watchstander.containers.exceptions;
    "secrets that Nix would copy" = (with' { environmentFiles = [ ./containers.nix ]; } { }).virtualisation.oci-containers.containers;
  };
}
