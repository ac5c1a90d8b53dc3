"""The controllers of the simulated cluster: what kube-controller-manager and kubelets would do."""
