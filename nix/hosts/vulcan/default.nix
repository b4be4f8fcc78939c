# vulcan, the host of the plan, as an example of a whole host: its facts are here and nowhere
# else. Each concern has a file of its own beside this one.
#
# What a real machine adds are its disks' ids, its public keys, and where its secrets lie.
{
  imports = [ ../../modules ] ++ map (name: ./. + "/${name}")
    (builtins.filter (name: name != "default.nix" && builtins.match ".*\\.nix" name != null)
      (builtins.attrNames (builtins.readDir ./.)));
}
