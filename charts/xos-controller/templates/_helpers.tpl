{{- define "xos.chartName" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "xos.fullname" -}}
{{- $name := include "xos.chartName" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Of things of the whole cluster: no two releases have the same. */}}
{{- define "xos.clusterName" -}}
{{- printf "xos:%s:%s" .Release.Namespace (include "xos.fullname" .) -}}
{{- end -}}

{{- define "xos.selector" -}}
app.kubernetes.io/name: {{ include "xos.chartName" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "xos.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "xos.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "xos.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "xos.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is needed with serviceAccount.create: false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "xos.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* The name of what a synchronizer has in the cluster: names have no capitals, and a hash tells such ones apart. */}}
{{- define "xos.objectName" -}}
{{- $lower := lower .Values.name -}}
{{- if eq $lower .Values.name -}}{{ $lower }}{{- else -}}{{ printf "%s-%s" $lower (sha256sum .Values.name | trunc 8) }}{{- end -}}
{{- end -}}

{{- define "xos.isNamespaced" -}}
{{- if eq .Values.rbac.scope "Namespaced" -}}true{{- end -}}
{{- end -}}

{{/* The namespaces whose objects are looked after, as a JSON list; none: all. */}}
{{- define "xos.namespaces" -}}
{{- if and (include "xos.isNamespaced" .) (not .Values.namespaces) -}}
{{- list .Release.Namespace | toJson -}}
{{- else -}}
{{- .Values.namespaces | uniq | sortAlpha | toJson -}}
{{- end -}}
{{- end -}}

{{/* Whether the API server is asked to set finalizers. */}}
{{- define "xos.usesPolicy" -}}
{{- $served := .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy" -}}
{{- if and .Values.admissionPolicy.create (not (include "xos.isNamespaced" .)) $served -}}true{{- end -}}
{{- end -}}

{{/* The release that has the policy of this synchronizer's name, if it is another one. */}}
{{- define "xos.otherOwner" -}}
{{- $policy := lookup "admissionregistration.k8s.io/v1" "MutatingAdmissionPolicy" "" (printf "xos-%s" (include "xos.objectName" .)) -}}
{{- if $policy -}}
{{- $annotations := default dict $policy.metadata.annotations -}}
{{- $release := get $annotations "meta.helm.sh/release-name" -}}
{{- $namespace := get $annotations "meta.helm.sh/release-namespace" -}}
{{- if and $release (or (ne $release .Release.Name) (ne $namespace .Release.Namespace)) -}}
{{- printf "%s in namespace %s" $release $namespace -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "xos.secretName" -}}
{{- if .Values.credentials.existingSecret -}}
{{- .Values.credentials.existingSecret -}}
{{- else if .Values.credentials.data -}}
{{- printf "%s-credentials" (include "xos.fullname" .) -}}
{{- end -}}
{{- end -}}

{{- define "xos.directory" -}}
{{- printf "%s-directory" (include "xos.fullname" .) -}}
{{- end -}}

{{- define "xos.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "xos.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* What cannot be said by the schema of the values. */}}
{{- define "xos.validate" -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.leaderElection.enabled) -}}
{{- fail "replicas: more than 1 needs leaderElection.enabled: else each step runs in each pod" -}}
{{- end -}}
{{- if and .Values.credentials.existingSecret .Values.credentials.data -}}
{{- fail "credentials: existingSecret or data, not both" -}}
{{- end -}}
{{- $other := include "xos.otherOwner" . -}}
{{- if and $other (eq (include "xos.namespaces" .) "[]") -}}
{{- fail (printf "the release %s is the synchronizer `%s` already, and this one would look after the same objects: give this one another `name`, or `namespaces` of its own" $other .Values.name) -}}
{{- end -}}
{{- if and .Values.uninstall.definitions (ne .Values.uninstall.policy "Delete") -}}
{{- fail "uninstall.definitions: only with uninstall.policy: Delete, because with a definition all of its objects go" -}}
{{- end -}}
{{- if and .Values.uninstall.definitions (include "xos.isNamespaced" .) -}}
{{- fail "uninstall.definitions: not with rbac.scope: Namespaced, which has no rights for them" -}}
{{- end -}}
{{- if and .Values.kafka.sasl.mechanism (not (include "xos.secretName" .)) -}}
{{- fail "kafka.sasl: the password is in a Secret: set credentials.existingSecret or credentials.data" -}}
{{- end -}}
{{- end -}}
