package sys

// Real is this machine, as root touches it. Close lets go of its root.
func Real(name string) (h Host, close func() error, err error) {
	tree, err := OpenTree("/")
	if err != nil {
		return Host{}, nil, err
	}
	return Host{Name: name, Files: tree, Run: Programs{}, Units: NewSystemd(SystemdOptions{})}, tree.Close, nil
}
