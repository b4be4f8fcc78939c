# services.watchstander: the bot, and its agent, the privileged half. They are two units with
# two files of settings: what the bot reads never widens what the agent lets it do.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkIf mkMerge mkOption mkEnableOption types;

  cfg = config.services.watchstander;
  agent = cfg.agent;
  yaml = pkgs.formats.yaml { };

  # Both files are the system's and hold no secrets, so that everybody may read them.
  botFile = yaml.generate "watchstander.yaml" cfg.settings;
  agentFile = yaml.generate "watchstander-agent.yaml" agent.settings;

  # systemd hands each secret over from where its owner keeps it (sops-nix, agenix, a file of
  # root's). Only paths are ever known here.
  loads = lib.mapAttrsToList (name: path: "${name}:${path}");

  # Operations, and what an agent's settings must hold for each.
  operations = {
    "nixos.rollback" = "nixos";
    "nixos.deploy" = "nixos";
    "zfs.arc.set" = "zfs";
    "backup.run" = "backup";
    "backup.verify" = "backup";
    "service.restart" = "services";
  };
  enabled = name: agent.operations.${name};
  family = section: lib.any (name: operations.${name} == section && enabled name) (lib.attrNames operations);

  # What one rule of the policy allows, by name: "backup.*" is all that begin so.
  allows = rule: lib.concatMap
    (pattern: lib.filter
      (name: if lib.hasSuffix "*" pattern then lib.hasPrefix (lib.removeSuffix "*" pattern) name else name == pattern)
      (lib.attrNames operations))
    (rule.operations or [ ]);
  allowed = lib.unique (lib.concatMap allows (agent.settings.policy or [ ]) ++ map (s: s.operation or "") (agent.settings.standing or [ ]));

  # Of both units. Each line is one that the program was run with; the agent's exceptions
  # stand at it.
  confined = import ../confined.nix // {
    UMask = "0077";
    ProtectHome = "read-only";
    MemoryDenyWriteExecute = true;
  };
  # A socket of the agent's, in a directory of root's.
  socket = what: name: mode: {
    description = "Watchstander's agent: ${what}";
    wantedBy = [ "sockets.target" ];
    socketConfig = {
      ListenStream = "/run/watchstander-agent/${name}.sock";
      FileDescriptorName = name;
      Service = "watchstander-agent.service";
      DirectoryMode = "0755";
    } // mode;
  };

  # Neither ever gives up: a homeserver that is away for long is no reason, nor is a file
  # with faults that somebody is about to mend.
  patient = { StartLimitIntervalSec = 0; };
  daemon = {
    Type = "notify-reload";
    WatchdogSec = 60;
    Restart = "always";
    RestartSec = 5;
  };
in
{
  options.services.watchstander = {
    enable = mkEnableOption "Watchstander, the ChatOps bot";

    package = mkOption {
      type = types.package;
      default = pkgs.watchstander or (throw "services.watchstander.package is not given, and there is no pkgs.watchstander: import the flake's nixosModules.default, or add its overlay to nixpkgs.overlays.");
      defaultText = lib.literalExpression "pkgs.watchstander";
      description = "The package with the program.";
    };

    settings = mkOption {
      type = types.submodule {
        freeformType = yaml.type;
        options.version = mkOption {
          type = types.enum [ 1 ];
          default = 1;
          description = "The version of the settings' form.";
        };
      };
      default = { };
      example = lib.literalExpression ''
        {
          chats = [ { name = "matrix"; matrix = { homeserver = "https://matrix.example.org"; user = "@watchstander:example.org"; token_file = "matrix-token"; }; } ];
          rooms = [ { name = "ops"; chat = "matrix"; id = "!abc:example.org"; } ];
          people = [ { name = "alice"; roles = [ "operator" "approver" ]; matrix = [ "@alice:example.org" ]; } ];
        }
      '';
      description = ''
        The bot's configuration, as docs/configuration.md tells it. It goes into the store,
        which everybody may read: secrets are named in it by the names that `credentials`
        gives them.
      '';
    };

    credentials = mkOption {
      # No path literal: Nix would copy what it names into the store.
      type = types.attrsOf (types.strMatching "/.+");
      default = { };
      example = { matrix-token = "/run/secrets/watchstander/matrix-token"; };
      description = "Files with the bot's secrets, by the names that its settings use. They may be root's alone.";
    };

    secretsVersion = mkOption {
      type = types.nullOr types.nonEmptyStr;
      default = null;
      example = lib.literalExpression "inputs.secrets.shortRev";
      description = ''
        Names the version of the secrets that this system deploys, so that a rollback's plan can
        say that older ones come back: the revision of the flake input that holds them. Never
        anything that is computed from the secrets' file.
      '';
    };

    agent = {
      enable = mkEnableOption "the agent of this host, which looks at it and carries out what was agreed to";

      settings = mkOption {
        type = types.submodule {
          freeformType = yaml.type;
          options = {
            version = mkOption {
              type = types.enum [ 1 ];
              default = 1;
              description = "The version of the settings' form.";
            };
            host = mkOption {
              type = types.nonEmptyStr;
              default = config.networking.hostName;
              defaultText = lib.literalExpression "config.networking.hostName";
              description = "What the host is called in the bot's settings.";
            };
            bot_user = mkOption {
              type = types.nonEmptyStr;
              default = "watchstander";
              description = "Whose calls the agent takes for the bot's.";
            };
          };
        };
        default = { };
        description = "The agent's configuration: its people, its policy, what it looks at. It holds no secrets.";
      };

      operations = lib.mapAttrs
        (name: section: mkOption {
          type = types.bool;
          default = false;
          description = "Whether ${name} may be carried out on this host, if the policy allows it and people agree. It needs `${section}` in the agent's settings.";
        })
        operations;

      credentials = mkOption {
        type = types.attrsOf (types.strMatching "/.+");
        default = { };
        example = { alice-totp = "/run/secrets/watchstander/alice-totp"; };
        description = "Files with the agent's secrets, by the names that its settings use.";
      };
    };
  };

  config = mkMerge [
    (mkIf (cfg.enable || agent.enable) {
      users.users.watchstander = {
        isSystemUser = true;
        group = "watchstander";
        description = "The ChatOps bot";
      };
      users.groups.watchstander = { };
      # With what its runbooks have people type on the host, here as in the modules beside it.
      environment.systemPackages = [ cfg.package pkgs.jq pkgs.lsof pkgs.openssl ];

      # docs/host-mark.md. Without it no generation is gone back to.
      environment.etc."watchstander/host.json".text = builtins.toJSON ({
        version = 1;
        host = agent.settings.host;
        state_version = config.system.stateVersion;
        loader = config.system.boot.loader.id;
        bot = { inherit (cfg.package) version schema; };
      } // lib.optionalAttrs (cfg.secretsVersion != null) { secrets = cfg.secretsVersion; });
    })

    (mkIf cfg.enable {
      assertions = [
        {
          assertion = (cfg.settings.chats or [ ]) != [ ];
          message = "services.watchstander.settings.chats is empty: the bot has nobody to tell anything to.";
        }
        {
          assertion = lib.all (path: !(lib.hasPrefix builtins.storeDir path)) (lib.attrValues (cfg.credentials // agent.credentials));
          message = "services.watchstander: a secret lies in the store, where everybody may read it. Give its path as a string, outside of the store.";
        }
      ];

      environment.etc."watchstander/config.yaml".source = botFile;

      systemd.services.watchstander = {
        description = "Watchstander, the ChatOps bot";
        wantedBy = [ "multi-user.target" ];
        wants = [ "network-online.target" ] ++ lib.optional agent.enable "watchstander-agent.socket";
        after = [ "network-online.target" ] ++ lib.optional agent.enable "watchstander-agent.socket";
        unitConfig = patient;
        # A changed secret or program needs a restart; a changed file is taken up.
        reloadTriggers = [ botFile ];
        serviceConfig = confined // daemon // {
          ExecStart = "${lib.getExe cfg.package} serve --config /etc/watchstander/config.yaml";
          User = "watchstander";
          Group = "watchstander";
          TimeoutStopSec = 20;
          StateDirectory = "watchstander";
          StateDirectoryMode = "0700";
          RuntimeDirectory = "watchstander";
          RuntimeDirectoryMode = "0750";
          LoadCredential = loads cfg.credentials;

          CapabilityBoundingSet = "";
          PrivateMounts = true;
          PrivateDevices = true;
          DevicePolicy = "closed";
          # Not ProcSubset=pid: `status` reads the host's load and memory. Not PrivateUsers:
          # who calls at the console would be nobody. Not ProtectHome=true: `status` tells
          # the room there.
          ProtectProc = "invisible";
          RestrictAddressFamilies = [ "AF_UNIX" "AF_INET" "AF_INET6" ];
          RemoveIPC = true;
          SystemCallFilter = [ "@system-service" "~@privileged @resources" ];
          SystemCallErrorNumber = "EPERM";
        };
      };
    })

    (mkIf agent.enable {
      assertions =
        map
          (name: {
            assertion = enabled name -> agent.settings ? ${operations.${name}};
            message = "services.watchstander.agent.operations.\"${name}\" is on, and the agent's settings have no section `${operations.${name}}`.";
          })
          (lib.attrNames operations)
        ++ map
          (name: {
            assertion = enabled name;
            message = "services.watchstander.agent.settings: the policy allows ${name}, which services.watchstander.agent.operations has not switched on.";
          })
          (lib.filter (name: operations ? ${name}) allowed)
        ++ [{
          assertion = enabled "nixos.deploy" -> (agent.settings.nixos or { }) ? proposed;
          message = "services.watchstander.agent.operations.\"nixos.deploy\" is on, and nothing proposes a system: watchstander.updates.enable does, or say in the agent's settings where one is left (nixos.proposed).";
        }];

      environment.etc."watchstander/agent.yaml".source = agentFile;

      # systemd holds both sockets, in a directory of root's: they outlive the agent.
      systemd.sockets.watchstander-agent = socket "where the bot calls" "agent" { SocketUser = "watchstander"; SocketMode = "0600"; };
      # Everybody may: the agent asks the kernel who calls.
      systemd.sockets.watchstander-approve = socket "where people on the host call" "approve" { SocketMode = "0666"; };

      systemd.services.watchstander-agent = {
        description = "Watchstander's agent, the privileged half";
        wantedBy = [ "multi-user.target" ];
        requires = [ "watchstander-agent.socket" "watchstander-approve.socket" ];
        after = [ "watchstander-agent.socket" "watchstander-approve.socket" ];
        unitConfig = patient;
        reloadTriggers = [ agentFile ];
        serviceConfig = confined // daemon // {
          ExecStart = "${lib.getExe cfg.package} agent --config /etc/watchstander/agent.yaml";
          TimeoutStopSec = 30;
          # Runs are units of their own: stopping the agent stops none.
          KillMode = "mixed";
          OOMPolicy = "continue";
          StateDirectory = "watchstander-agent";
          StateDirectoryMode = "0700";
          LoadCredential = loads agent.credentials;

          PrivateNetwork = true;
          IPAddressDeny = "any";
          RestrictAddressFamilies = [ "AF_UNIX" ];
          # It reads what belongs to others: repositories, what units left.
          CapabilityBoundingSet = [ "CAP_DAC_OVERRIDE" "CAP_DAC_READ_SEARCH" ];
          ReadOnlyPaths = [ "/run" ];
          DevicePolicy = "closed";
          SystemCallFilter = [ "@system-service" ];
          SystemCallErrorNumber = "EPERM";
        } // lib.optionalAttrs (family "nixos") {
          # Where it keeps plans' store paths from collection, and where a dry run has its lock.
          ReadWritePaths = [ "-/nix/var/nix/gcroots" ];
          RuntimeDirectory = "nixos";
          RuntimeDirectoryPreserve = true;
        } // lib.optionalAttrs (agent.settings ? zfs) {
          DeviceAllow = [ "/dev/zfs rw" ]; # zpool status
        };
      };
    })
  ];
}
