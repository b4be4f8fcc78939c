# services.watchstander: what must hold, and what must fail with which words.
{ lib, pkgs, evaluate, broken, ... }:
let
  few = {
    services.watchstander = {
      enable = true;
      settings.chats = [{ name = "matrix"; matrix = { homeserver = "https://matrix.example.org"; user = "@ws:example.org"; token_file = "matrix-token"; }; }];
      credentials.matrix-token = "/run/secrets/matrix-token";
    };
  };
  agent = settings: operations: few // { services = few.services // { watchstander = few.services.watchstander // { agent = { enable = true; inherit settings operations; }; }; }; };
  rollback = { policy = [{ operations = [ "nixos.rollback" ]; }]; nixos = { loader = "grub"; }; zfs = { }; };

  unit = (evaluate [ few ]).systemd.services.watchstander;
  whole = evaluate [ (agent rollback { "nixos.rollback" = true; }) ];
  agents = whole.systemd.services.watchstander-agent.serviceConfig;
  without = (evaluate [ (agent { } { }) ]).systemd.services.watchstander-agent.serviceConfig;

  holds = {
    "nothing, unless it is enabled" = (evaluate [ ]).systemd.services == { } && (evaluate [ ]).users.users == { };
    "a few lines are enough" = broken (evaluate [ few ]) == [ ];
    "the bot starts" = unit.serviceConfig.ExecStart == "${pkgs.watchstander}/bin/watchstander serve --config /etc/watchstander/config.yaml";
    "the bot never gives up" = unit.unitConfig.StartLimitIntervalSec == 0 && unit.serviceConfig.Restart == "always";
    "the bot has no capabilities" = unit.serviceConfig.CapabilityBoundingSet == "";
    "the bot gets its secrets" = unit.serviceConfig.LoadCredential == [ "matrix-token:/run/secrets/matrix-token" ];
    "the bot needs no agent" = unit.wants == [ "network-online.target" ];
    "a system has its mark" = builtins.fromJSON whole.environment.etc."watchstander/host.json".text == {
      version = 1; host = "nixos"; state_version = whole.system.stateVersion; loader = whole.system.boot.loader.id;
      bot = { version = "unstable"; inherit (pkgs.watchstander) schema; };
    };
    "and says which secrets it has, where it knows" =
      lib.hasInfix ''"secrets":"2f1c9a4"'' (evaluate [ few { services.watchstander.secretsVersion = "2f1c9a4"; } ]).environment.etc."watchstander/host.json".text;
    "settings are written" = (evaluate [ few ]).environment.etc."watchstander/config.yaml".source.value.version == 1;
    "an agent's bot waits for its socket" = lib.elem "watchstander-agent.socket" whole.systemd.services.watchstander.after;
    "the agent is of this host" = whole.environment.etc."watchstander/agent.yaml".source.value.host == "nixos";
    "the agent has no network" = agents.PrivateNetwork && agents.RestrictAddressFamilies == [ "AF_UNIX" ];
    "the agent gets what its operations need" = agents.DeviceAllow == [ "/dev/zfs rw" ] && agents.ReadWritePaths == [ "-/nix/var/nix/gcroots" ];
    "the bot alone may call where it calls" = (whole.systemd.sockets.watchstander-agent.socketConfig) == {
      ListenStream = "/run/watchstander-agent/agent.sock"; FileDescriptorName = "agent"; Service = "watchstander-agent.service";
      SocketUser = "watchstander"; SocketMode = "0600"; DirectoryMode = "0755";
    };
    "and no more" = !(without ? DeviceAllow) && !(without ? ReadWritePaths) && !(without ? RuntimeDirectory);
    "what is agreed to is switched on" = broken whole == [ ];
    "a policy beyond that is told" = lib.any (lib.hasInfix "the policy allows nixos.rollback") (broken (evaluate [ (agent rollback { }) ]));
    "a deploy of nothing is told" = lib.any (lib.hasInfix "nothing proposes a system") (broken (evaluate [ (agent rollback { "nixos.rollback" = true; "nixos.deploy" = true; }) ]));
    "an operation without its section is told" = lib.any (lib.hasInfix "no section `backup`") (broken (evaluate [ (agent { } { "backup.run" = true; }) ]));
    "a bot without a chat is told" = lib.any (lib.hasInfix "nobody to tell") (broken (evaluate [{ services.watchstander.enable = true; }]));
    "a secret in the store is told" = lib.any (lib.hasInfix "a secret lies in the store")
      (broken (evaluate [ few { services.watchstander.credentials.x = "${builtins.storeDir}/00000000000000000000000000000000-x"; } ]));
  };
  refused = {
    "a misspelt option" = (evaluate [ few { services.watchstander.setings = { }; } ]).services.watchstander.enable;
    "an operation that does not exist" = (evaluate [ (agent { } { "host.reboot" = true; }) ]).services.watchstander.agent.operations;
    "another version" = (evaluate [ few { services.watchstander.settings.version = 2; } ]).services.watchstander.settings.version;
    "a secret that Nix would copy" = (evaluate [ few { services.watchstander.credentials.x = ./watchstander.nix; } ]).services.watchstander.credentials;
    "a secret that is no path" = (evaluate [ few { services.watchstander.credentials.x = "hunter2"; } ]).services.watchstander.credentials;
  };
in
{ inherit holds refused; }
