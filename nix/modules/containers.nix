# watchstander.containers: what every container of this host is held to. Podman, with a
# read-only root, no new privileges, no capabilities but those that are named, users of their
# own, images by their digest, limits, and ports on this host alone, since a published port goes
# past the firewall. What must be otherwise is an exception with a reason.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkDefault mkIf mkMerge mkOption mkEnableOption types;
  cfg = config.watchstander.containers;
  textfiles = config.watchstander.textfile.directory;
  imageScan = import ../image-scan.nix { inherit lib pkgs textfiles; };
  all = config.virtualisation.oci-containers.containers;

  rules = {
    writableRoot = "Why its root may be written to.";
    newPrivileges = "Why what runs in it may gain privileges (setuid programs).";
    capabilities = "Why it keeps the usual capabilities.";
    hostUsers = "Why its root is the host's root, and not a user of its own.";
    unpinned = "Why its image is not named by its digest, so that nobody knows what will run.";
    published = "Why a port of it may be reached from elsewhere. Podman opens it past the firewall.";
    hostNetwork = "Why it is in the host's own network.";
    hostPaths = "Why it has what the host itself is made of: `/`, `/etc`, `/root`, all secrets, a container engine's socket.";
    privileged = "Why it is as good as root on the host: by `--privileged`, by the host's processes, by a capability such as `SYS_ADMIN`, or without the filter of system calls.";
    unlimited = "Why it may take all memory, or as many processes as it likes.";
  };
  exceptionsOf = name: cfg.exceptions.${name} or (lib.mapAttrs (_: _: null) rules);
  excepted = name: rule: (exceptionsOf name).${rule} != null;

  app = {
    options = {
      image = mkOption {
        type = types.strMatching "[a-z0-9.-]+(:[0-9]+)?/[a-z0-9._/-]+";
        example = "docker.io/library/nginx";
        description = "Its image, with its registry, and without a tag.";
      };
      digest = mkOption {
        type = types.nullOr (types.strMatching "sha256:[0-9a-f]{64}");
        default = null;
        description = ''
          Which one exactly: `skopeo inspect --format '{{.Digest}}' docker://IMAGE:TAG` tells it. As long
          as there is none the container does not run; `/etc/watchstander/containers.json` lists it.
        '';
      };
      ports = mkOption {
        default = [ ];
        type = types.listOf (types.submodule {
          options = {
            host = mkOption { type = types.port; description = "The port on the host."; };
            container = mkOption { type = types.port; description = "The port in it."; };
            address = mkOption { type = types.nonEmptyStr; default = "127.0.0.1"; description = "Another one than this needs the exception `published`."; };
            protocol = mkOption { type = types.enum [ "tcp" "udp" ]; default = "tcp"; description = "Its protocol."; };
          };
        });
        description = "Ports that are published; a proxy on the host leads to them.";
      };
      volumes = mkOption {
        type = types.listOf types.nonEmptyStr;
        default = [ ];
        example = [ "wiki:/var/lib/wiki" "/tank/wiki:/data:idmap" ];
        description = "What it may write. A directory of the host's needs `idmap` (or `U`, which gives it away), since its users are not the host's.";
      };
      tmpfs = mkOption { type = types.listOf (types.strMatching "/.+"); default = [ "/tmp" "/run" ]; description = "Where it may write what need not last."; };
      environment = mkOption { type = types.attrsOf types.str; default = { }; description = "Its environment, which everybody may read."; };
      environmentFiles = mkOption { type = types.listOf (types.strMatching "/.+"); default = [ ]; description = "Files with secrets of its environment, by their paths."; };
      cmd = mkOption { type = types.listOf types.str; default = [ ]; description = "Arguments of its program."; };
      user = mkOption { type = types.nullOr types.nonEmptyStr; default = null; example = "1000:1000"; description = "Who it runs as, in it."; };
      networks = mkOption { type = types.listOf types.nonEmptyStr; default = [ ]; description = "Its networks; Podman's own without any."; };
      capabilities = mkOption { type = types.listOf (types.strMatching "[A-Z_]+"); default = [ ]; example = [ "NET_BIND_SERVICE" ]; description = "The only capabilities that it has, without `CAP_`."; };
      memory = mkOption { type = types.strMatching "[0-9]+[kmg]"; default = "512m"; description = "Memory, swap included, and then it is ended."; };
      cpus = mkOption { type = types.strMatching "[0-9]+(\\.[0-9]+)?"; default = "1.0"; description = "So many processors."; };
      pids = mkOption { type = types.ints.positive; default = 256; description = "So many processes and threads."; };
      stopTimeout = mkOption { type = types.ints.positive; default = 30; description = "Seconds that it has to stop, before it is killed."; };
      dependsOn = mkOption { type = types.listOf types.nonEmptyStr; default = [ ]; description = "Containers that it cannot do without."; };
    };
  };

  # Each of these options was given to a Podman 4.3, which made the container so.
  pinned = lib.filterAttrs (_: a: a.digest != null) cfg.apps;
  contained = name: a: {
    image = "${a.image}@${a.digest}";
    ports = map (p: "${p.address}:${toString p.host}:${toString p.container}/${p.protocol}") a.ports;
    inherit (a) volumes environment environmentFiles cmd user networks;
    dependsOn = lib.filter (n: pinned ? ${n}) a.dependsOn;
    capabilities = lib.optionalAttrs (!excepted name "capabilities") { ALL = false; } // lib.genAttrs a.capabilities (_: true);
    extraOptions =
      lib.optional (!excepted name "writableRoot") "--read-only"
      ++ lib.optional (!excepted name "newPrivileges") "--security-opt=no-new-privileges"
      ++ lib.optional (!excepted name "hostUsers") "--userns=auto"
      ++ lib.optionals (!excepted name "unlimited") [ "--memory=${a.memory}" "--memory-swap=${a.memory}" "--pids-limit=${toString a.pids}" ]
      ++ [ "--cpus=${a.cpus}" "--stop-timeout=${toString a.stopTimeout}" ]
      ++ map (d: "--tmpfs=${d}:rw,noexec,nosuid,nodev,size=64m") a.tmpfs;
  };

  # What any container is, whoever has declared it.
  has = c: prefix: lib.any (lib.hasPrefix prefix) c.extraOptions;
  loopback = p: lib.any (a: lib.hasPrefix a p) [ "127." "[::1]:" "localhost:" ];
  source = v: lib.head (lib.splitString ":" v);
  precious = [ "/" "/etc" "/root" "/run" "/run/secrets" "/nix" "/nix/var" "/var" "/var/lib" "/proc" "/sys" "/dev" ];
  # Whoever has one of these can have the others.
  mighty = [ "ALL" "BPF" "DAC_READ_SEARCH" "MKNOD" "NET_ADMIN" "PERFMON" "SYSLOG" "SYS_ADMIN" "SYS_BOOT" "SYS_MODULE" "SYS_PTRACE" "SYS_RAWIO" ];
  hostly = v: lib.elem (lib.removeSuffix "/" (source v)) precious || source v == "/" || lib.hasSuffix ".sock" (source v);
  keeps = name: c: {
    writableRoot = has c "--read-only";
    newPrivileges = has c "--security-opt=no-new-privileges";
    capabilities = (c.capabilities.ALL or null) == false || has c "--cap-drop=ALL";
    hostUsers = has c "--userns=" && !(has c "--userns=host");
    unpinned = c.imageFile != null || c.imageStream != null || builtins.match ".+@sha256:[0-9a-f]{64}" c.image != null;
    published = lib.all loopback c.ports && !(has c "--publish") && !(has c "-p");
    hostNetwork = !(lib.elem "host" c.networks) && !(has c "--network=host") && !(has c "--net=host");
    # What mounts by an option is not looked through: volumes are there for that.
    hostPaths = !(lib.any hostly c.volumes) && !(lib.any (has c) [ "--volume" "-v" "--mount" ]);
    privileged = !c.privileged && !(lib.any (has c) [ "--privileged" "--pid=host" "--ipc=host" "--uts=host" "--cgroupns=host" "--security-opt=seccomp=unconfined" ])
      && !(lib.any (cap: (c.capabilities.${cap} or null) == true || has c "--cap-add=${cap}" || has c "--cap-add=CAP_${cap}") mighty);
    unlimited = has c "--memory=" && has c "--pids-limit=";
  };
  broken = name: c: lib.filter (rule: !(keeps name c).${rule} && !(excepted name rule)) (lib.attrNames rules);

  list = pkgs.writeText "images" (lib.concatLines (lib.mapAttrsToList (n: c: "${n} ${c.image}") (lib.filterAttrs (_: c: c.imageFile == null && c.imageStream == null) all)));
in
{
  imports = [ ./alerts.nix ./textfile.nix ./units.nix ];

  options.watchstander.containers = {
    enable = mkEnableOption "Podman, and what every container of this host is held to";
    apps = mkOption {
      type = types.attrsOf (types.submodule app);
      default = { };
      description = "Containers, by name; each becomes one of `virtualisation.oci-containers.containers` that keeps all rules.";
    };
    exceptions = mkOption {
      type = types.attrsOf (types.submodule {
        options = lib.mapAttrs (_: description: mkOption { type = types.nullOr types.nonEmptyStr; default = null; inherit description; }) rules;
      });
      default = { };
      example = { proxy.published = "it is the one that the world talks to"; };
      description = "Rules that a container need not keep, by its name, each with the reason. NixOS containers know `hostUsers` alone.";
    };
    scan = {
      enable = mkEnableOption "a look for known holes in the images that run (trivy), by a timer. It downloads lists of holes, and sends nothing about this host";
      startAt = mkOption { type = types.nonEmptyStr; default = "Sun 07:30"; description = "When (systemd.time(7))."; };
    };
  };

  config = mkIf cfg.enable (mkMerge [ {
    assertions =
      lib.mapAttrsToList
        (name: c: {
          assertion = broken name c == [ ];
          message = "virtualisation.oci-containers.containers.${name} breaks rules of watchstander.containers: ${lib.concatStringsSep ", " (broken name c)}. Declare it as watchstander.containers.apps.${name}, or say why it may: watchstander.containers.exceptions.${name}.RULE = \"reason\".";
        })
        all
      ++ lib.mapAttrsToList
        (name: c: {
          assertion = c.privateUsers != "no" || excepted name "hostUsers";
          message = "containers.${name}: its root is the host's root. Set privateUsers = \"pick\", or say why not: watchstander.containers.exceptions.${name}.hostUsers = \"reason\".";
        })
        config.containers
      ++ [
        {
          assertion = lib.all (n: cfg.apps ? ${n} || all ? ${n} || config.containers ? ${n}) (lib.attrNames cfg.exceptions);
          message = "watchstander.containers.exceptions names a container that is not there: ${lib.concatStringsSep ", " (lib.filter (n: !(cfg.apps ? ${n} || all ? ${n} || config.containers ? ${n})) (lib.attrNames cfg.exceptions))}.";
        }
        {
          assertion = !config.virtualisation.docker.enable && config.virtualisation.oci-containers.backend == "podman";
          message = "watchstander.containers: this host runs Podman. Take away virtualisation.docker.enable and virtualisation.oci-containers.backend = \"docker\".";
        }
        {
          assertion = !config.virtualisation.podman.dockerSocket.enable;
          message = "virtualisation.podman.dockerSocket.enable makes everybody in the group `podman` root. Take it away.";
        }
      ];

    virtualisation.podman.enable = true;
    environment.systemPackages = [ pkgs.skopeo ];
    virtualisation.oci-containers.backend = mkDefault "podman";
    virtualisation.oci-containers.containers = lib.mapAttrs contained pinned;

    # From where --userns=auto takes each container's users: nobody of the host's is there.
    users.users.containers = {
      isSystemUser = true;
      group = "containers";
      subUidRanges = [{ startUid = 2147483647; count = 2147483648; }];
      subGidRanges = [{ startGid = 2147483647; count = 2147483648; }];
    };
    users.groups.containers = { };

    # Podman's own services restart for ever, slowly enough that no limit is reached.
    watchstander.units = lib.mapAttrs'
      (name: a: lib.nameValuePair "podman-${name}" {
        restart.policy = mkDefault "on-failure";
        stop.timeout = mkDefault (a.stopTimeout + 30);
      })
      pinned;

    environment.etc."watchstander/containers.json".text = builtins.toJSON {
      running = lib.mapAttrs (_: c: c.image) all;
      unpinned = lib.attrNames (lib.filterAttrs (_: a: a.digest == null) cfg.apps);
      exceptions = lib.mapAttrs (_: lib.filterAttrs (_: reason: reason != null)) cfg.exceptions;
    };
  } (mkIf cfg.scan.enable (imageScan {
    name = "watchstander-image-scan";
    description = "Look for known holes in the images that run";
    inherit (cfg.scan) startAt;
    from = "podman ${list}";
    programs = [ pkgs.podman ];
    figures = "images.prom";
    # Podman, which is asked for the images, locks and writes its storage, and unpacks in a
    # namespace what may be setuid.
    service = {
      ReadWritePaths = [ textfiles "-/var/lib/containers" "-/run/containers" "-/run/libpod" "-/run/lock" ];
      ProtectControlGroups = false;
      RestrictNamespaces = false;
      RestrictSUIDSGID = false;
    };
  })) ]);
}
