{{/* What several templates share: names, labels, images. */}}

{{- define "pillion.name" -}}
{{- .Values.nameOverride | default "pillion" -}}
{{- end -}}

{{- define "pillion.selector" -}}
app.kubernetes.io/name: pillion
app.kubernetes.io/instance: {{ include "pillion.name" . }}
{{- end -}}

{{/* Labels of every object. The chart's version is not among those of pods: a new chart alone
     is no reason to restart them. */}}
{{- define "pillion.labels" -}}
{{ include "pillion.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: pillion
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* `metadata` below the name: call with the context, further labels and annotations. */}}
{{- define "pillion.metadata" -}}
{{- $context := index . 0 -}}
{{- $labels := index . 1 | default dict -}}
{{- $annotations := index . 2 | default dict -}}
labels:
  {{- $all := merge (dict) $labels (include "pillion.labels" $context | fromYaml) }}
  {{- toYaml $all | nindent 2 }}
{{- with merge (dict) $annotations $context.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "pillion.image" -}}
{{- $image := .Values.image -}}
{{- with $image.registry }}{{ . }}/{{ end -}}
{{- $image.repository }}:{{ $image.tag | default .Chart.AppVersion -}}
{{- with $image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{- define "pillion.pullSecrets" -}}
{{- with .Values.imagePullSecrets -}}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* The restricted Pod Security level, and a file system that nobody can write to. */}}
{{- define "pillion.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities: {drop: [ALL]}
readOnlyRootFilesystem: true
{{- end -}}

{{/* No user is named: the image says 65532, and OpenShift chooses one itself. */}}
{{- define "pillion.podSecurity" -}}
runAsNonRoot: true
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* The group that alone may read the certificate's key, where that is mounted. OpenShift refuses one
     that it did not choose itself. */}}
{{- define "pillion.fsGroup" -}}
{{- $isOpenShift := .Capabilities.APIVersions.Has "security.openshift.io/v1" -}}
{{- if and (include "pillion.tlsSecret" .) (not $isOpenShift) -}}
{{- with int64 .Values.certificates.fsGroup }}{{ . }}{{ end -}}
{{- end -}}
{{- end -}}

{{- define "pillion.excludedNamespaces" -}}
{{- $always := list "kube-system" "kube-public" "kube-node-lease" .Release.Namespace -}}
{{- concat $always .Values.excludedNamespaces | uniq | toJson -}}
{{- end -}}

{{/* Hosts that the certificate must name. */}}
{{- define "pillion.hosts" -}}
{{- $service := printf "%s.%s" (include "pillion.name" .) .Release.Namespace -}}
{{- $hosts := list (printf "%s.svc" $service) (printf "%s.svc.cluster.local" $service) -}}
{{- with .Values.webhooks.url }}{{ $hosts = append $hosts (urlParse .).hostname }}{{ end -}}
{{- toJson $hosts -}}
{{- end -}}

{{/* The Secret that holds tls.crt and tls.key; nothing where Pillion makes them. */}}
{{- define "pillion.tlsSecret" -}}
{{- if eq .Values.certificates.mode "certManager" }}{{ .Values.certificates.certManager.secretName }}
{{- else if eq .Values.certificates.mode "files" }}{{ .Values.certificates.files.secretName }}
{{- end -}}
{{- end -}}

{{/* Whether Pillion itself writes caBundle: not where cert-manager does, or the manifests. */}}
{{- define "pillion.writesBundle" -}}
{{- $files := and (eq .Values.certificates.mode "files") (not .Values.certificates.files.caBundle) -}}
{{- if or (eq .Values.certificates.mode "selfManaged") $files }}true{{ end -}}
{{- end -}}

{{/* What `replicas` says. An autoscaler writes it where there is one: then it is what the Deployment
     has, so that an upgrade that leaves the chart's own out takes no replica away, and nothing
     where that cannot be seen. */}}
{{- define "pillion.replicas" -}}
{{- if .Values.autoscaling.enabled -}}
{{- $name := include "pillion.name" . -}}
{{- with lookup "apps/v1" "Deployment" .Release.Namespace $name -}}
{{- $least := int $.Values.autoscaling.minReplicas -}}
{{- /* One that scales already brings its least number itself, and owns the field. */ -}}
{{- if lookup "autoscaling/v2" "HorizontalPodAutoscaler" $.Release.Namespace $name }}{{ $least = 0 }}{{ end -}}
{{- max (int .spec.replicas) $least -}}
{{- end -}}
{{- else -}}
{{- .Values.replicas -}}
{{- end -}}
{{- end -}}

{{/* Whether a new replica may have no node before an old one has left it: in the node's network both
     need the same port, and before 1.31 matchLabelKeys is no field of podAntiAffinity, so that the
     hard rule holds between new and old ones too. */}}
{{- define "pillion.oldGoesFirst" -}}
{{- $version := .Capabilities.KubeVersion.Version -}}
{{- if not (has .Values.kubernetesVersion (list "" "auto")) }}{{ $version = .Values.kubernetesVersion }}{{ end -}}
{{- $isApart := and (eq .Values.antiAffinity "hard") (semverCompare "<1.31.0-0" $version) -}}
{{- if or .Values.hostNetwork $isApart }}true{{ end -}}
{{- end -}}

{{- define "pillion.leastReplicas" -}}
{{- if .Values.autoscaling.enabled }}{{ .Values.autoscaling.minReplicas }}
{{- else }}{{ .Values.replicas }}{{ end -}}
{{- end -}}
