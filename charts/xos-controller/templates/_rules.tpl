{{/* The rules that `xos rbac` prints for the same kinds, by the place where they are needed. A test compares them. */}}

{{- define "xos.rules.objects" -}}
{{- range .Values.kinds }}
- apiGroups: [{{ .group }}]
  resources: {{ toJson .resources }}
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [{{ .group }}]
  resources:
    {{- range .resources }}
    - {{ . }}/status
    {{- end }}
  verbs: [update]
{{- end }}
{{- range include "xos.groups" . | fromJsonArray }}
- apiGroups: [{{ .group }}]
  resources: {{ toJson .resources }}
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [{{ .group }}]
  resources:
    {{- range .resources }}
    - "{{ . }}/status"
    {{- end }}
  verbs: [update]
{{- end }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- $secrets := false }}
{{- range .Values.kinds }}{{ if .secrets }}{{ $secrets = true }}{{ end }}{{ end }}
{{- if $secrets }}
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch]
{{- end }}
{{- $lease := printf "xos-%s" (include "xos.objectName" .) }}
{{- if ne (include "xos.namespaces" .) "[]" }}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
{{- end }}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ $lease }}]
  verbs: [list, watch, patch]
{{- end -}}

{{/* Rights on what documents use of Kubernetes' own objects: (root, at: objects, home or cluster; or namespace). */}}
{{- define "xos.rules.uses" -}}
{{- $at := .at -}}
{{- $namespace := .namespace | default "" -}}
{{- range .root.Values.uses }}
{{- if and (eq (.at | default "objects") $at) (eq (.namespace | default "") $namespace) }}
- apiGroups: [{{ .group | quote }}]
  resources: {{ toJson .resources }}
  {{- with .names }}
  resourceNames: {{ toJson . }}
  {{- end }}
  verbs: {{ ternary "[get, list, watch, create, patch, delete]" "[get, list, watch]" (eq .access "apply") }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "xos.rules.home" -}}
{{- if .Values.api.enabled }}
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create]
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [xos-ids]
  verbs: [get, update]
{{- end }}
{{- if or .Values.leaderElection.enabled (eq (include "xos.namespaces" .) "[]") }}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
{{- end }}
{{- if .Values.leaderElection.enabled }}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [leader-xos-{{ include "xos.objectName" . }}]
  verbs: [list, watch, patch]
{{- if ne (include "xos.namespaces" .) "[]" }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}
{{- end }}
{{- end -}}

{{- define "xos.definitions" -}}
{{- $names := list -}}
{{- range $kinds := .Values.kinds -}}
{{- range .resources -}}
{{- $names = append $names (printf "%s.%s" . $kinds.group) -}}
{{- end -}}
{{- end -}}
{{- $names = append $names "synchronizers.xos.opencord.org" -}}
{{- if .Values.clusterDocuments.enabled -}}
{{- range include "xos.documentKinds" . | fromJsonArray -}}
{{- $names = append $names (printf "%s.xos.opencord.org" .) -}}
{{- end -}}
{{- $names = concat $names (include "xos.groupDefinitions" . | fromJsonArray) -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{/* The kinds of models and documents that are objects. */}}
{{- define "xos.documentKinds" -}}
{{- list "modelsets" "syncsteps" "modelpolicies" "pullsteps" "eventsteps" | toJson -}}
{{- end -}}

{{/* The groups whose kinds a ModelSet may define: `*` stands for resources that are not known. */}}
{{- define "xos.groups" -}}
{{- $groups := list -}}
{{- if .Values.clusterDocuments.enabled -}}
{{- range .Values.clusterDocuments.groups -}}
{{- $groups = append $groups (dict "group" .group "resources" (default (list "*") .resources)) -}}
{{- end -}}
{{- end -}}
{{- toJson $groups -}}
{{- end -}}

{{/* The definitions of these groups whose names are known. */}}
{{- define "xos.groupDefinitions" -}}
{{- $names := list -}}
{{- range $group := .Values.clusterDocuments.groups -}}
{{- range .resources -}}
{{- $names = append $names (printf "%s.%s" . $group.group) -}}
{{- end -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{- define "xos.rules.documents" -}}
{{- $kinds := include "xos.documentKinds" . | fromJsonArray -}}
- apiGroups: [xos.opencord.org]
  resources: {{ toJson $kinds }}
  verbs: [get, list, watch, patch]
- apiGroups: [xos.opencord.org]
  resources:
    {{- range $kinds }}
    - {{ . }}/status
    {{- end }}
  verbs: [patch]
{{- if .Values.api.enabled }}
- apiGroups: [xos.opencord.org]
  resources: [modelsets]
  verbs: [create, delete]
{{- end }}
{{- end -}}

{{- define "xos.rules.cluster" -}}
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  resourceNames: {{ include "xos.definitions" . }}
  verbs: [get, list, watch, create, patch]
{{- if .Values.clusterDocuments.enabled }}
{{- $known := include "xos.groupDefinitions" . | fromJsonArray }}
{{- with $known }}
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  resourceNames: {{ toJson . }}
  verbs: [delete]
{{- end }}
{{- $unknown := false }}
{{- range .Values.clusterDocuments.groups }}{{ if not .resources }}{{ $unknown = true }}{{ end }}{{ end }}
{{- if $unknown }}
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
{{- end }}
- apiGroups: [xos.opencord.org]
  resources: [synchronizers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [admissionregistration.k8s.io]
  resources: [mutatingadmissionpolicies, mutatingadmissionpolicybindings]
  verbs: [list]
{{- if include "xos.usesPolicy" . }}
- apiGroups: [admissionregistration.k8s.io]
  resources: [mutatingadmissionpolicies, mutatingadmissionpolicybindings]
  resourceNames: [xos-{{ include "xos.objectName" . }}]
  verbs: [get]
{{- end }}
{{- end -}}

{{/* What the Job before an uninstall does: in the cluster, with objects, and with the Deployment. */}}

{{- define "xos.rules.uninstall.cluster" -}}
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  verbs: [list]
{{- if .Values.uninstall.definitions }}
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  resourceNames: {{ include "xos.definitions" . }}
  verbs: [delete]
{{- end }}
- apiGroups: [xos.opencord.org]
  resources: [synchronizers]
  verbs: [list, delete]
- apiGroups: [admissionregistration.k8s.io]
  resources: [mutatingadmissionpolicies, mutatingadmissionpolicybindings]
  verbs: [list]
- apiGroups: [admissionregistration.k8s.io]
  resources: [mutatingadmissionpolicies, mutatingadmissionpolicybindings]
  resourceNames: [xos-{{ include "xos.objectName" . }}]
  verbs: [delete]
{{- end -}}

{{- define "xos.rules.uninstall.objects" -}}
{{- $verbs := list "get" "list" "patch" -}}
{{- if eq .Values.uninstall.policy "Delete" -}}
{{- $verbs = append $verbs "delete" -}}
{{- end -}}
{{- range .Values.kinds }}
- apiGroups: [{{ .group }}]
  resources: {{ toJson .resources }}
  verbs: {{ toJson $verbs }}
- apiGroups: [{{ .group }}]
  resources:
    {{- range .resources }}
    - {{ . }}/status
    {{- end }}
  verbs: [patch]
{{- end }}
{{- range include "xos.groups" . | fromJsonArray }}
- apiGroups: [{{ .group }}]
  resources: {{ toJson .resources }}
  verbs: {{ toJson $verbs }}
- apiGroups: [{{ .group }}]
  resources:
    {{- range .resources }}
    - "{{ . }}/status"
    {{- end }}
  verbs: [patch]
{{- end }}
{{- if .Values.clusterDocuments.enabled }}
- apiGroups: [xos.opencord.org]
  resources: [modelsets]
  verbs: [get, list, patch]
{{- end }}
{{- end -}}

{{- define "xos.rules.uninstall.home" -}}
- apiGroups: [apps]
  resources: [deployments]
  resourceNames: [{{ include "xos.fullname" . }}]
  verbs: [get]
- apiGroups: [apps]
  resources: [deployments/scale]
  resourceNames: [{{ include "xos.fullname" . }}]
  verbs: [patch]
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
{{- end -}}

{{/* A role, and its binding to an account: (root, name, namespace or "", rules, account, annotations). */}}
{{- define "xos.grant" -}}
{{- $kind := ternary "Role" "ClusterRole" (ne .namespace "") }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "xos.labels" .root | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "xos.labels" .root | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ .account }}
    namespace: {{ .root.Release.Namespace }}
{{- end -}}
